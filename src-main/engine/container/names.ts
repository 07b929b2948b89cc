import { randomBytes, randomInt } from 'node:crypto';
import type { ContainerId } from '../../contract/ids.ts';

/** 64 hexadecimal digits that begin with a letter or hold one early: a name of digits alone would read as a number in scripts. */
export function newContainerId(): ContainerId {
  for (;;) {
    const id = randomBytes(32).toString('hex');
    if (!/^\d{12}/.test(id)) return id as ContainerId;
  }
}

/** An adjective and a scientist's surname, as Podman and Docker name containers; `isTaken` is asked until a free one is found. */
export function generateName(isTaken: (name: string) => boolean): string {
  for (let attempt = 0; ; attempt += 1) {
    const suffix = attempt < 8 ? '' : String(randomInt(10 ** Math.min(attempt - 7, 9)));
    const name = `${pick(adjectives)}_${pick(surnames)}${suffix}`;
    if (!isTaken(name)) return name;
  }
}

function pick(list: readonly string[]): string {
  return list[randomInt(list.length)] ?? '';
}

const adjectives = words(`able agile amber ample apt arctic artful awake azure balmy blithe bold brave breezy bright brisk calm candid
careful cheerful civil clear clever coastal cool coral cosy curious dapper daring deep deft dewy diligent eager early earnest easy
elated elegant epic fair faithful fearless festive fine fleet fluent fond frank free fresh friendly frosty gallant gentle genial glad
gleaming golden good graceful grand grateful great happy hardy hearty helpful honest hopeful humble idle jaunty jolly jovial joyful
keen kind lasting lively loyal lucid lucky lunar mellow merry mild mindful modest neat nimble noble open patient peaceful placid
plucky polite proud prudent quick quiet radiant ready robust rosy serene sharp shiny silent silver sincere sleek smart snug solid
spirited spry stable steady stellar stoic sturdy sunny supple swift tender tidal tidy tranquil trusty upbeat valiant vivid warm wise witty
zealous zesty`);

const surnames = words(`abel agnesi alhazen ampere anning archimedes aryabhata avogadro babbage banneker bardeen bell bernoulli bhabha
bohr boole born bose boyle brahe brahmagupta burnell cannon cantor carson carver cauchy cavendish celsius chandrasekhar chatelet
clarke copernicus coulomb curie dalton darwin davy descartes dijkstra dirac edison einstein elion engelbart erdos euclid euler
faraday fermat fermi feynman fibonacci fleming franklin fresnel galileo galois gauss germain gibbs goodall haber hamilton hawking heisenberg hertz
herschel hilbert hodgkin hooke hopper hubble huygens hypatia jemison jenner johnson joliot joule kalam kepler khayyam kirchhoff knuth
koch kovalevskaya lagrange lamarr laplace lavoisier leakey leavitt leibniz lise liskov lovelace lumiere mach maathai maxwell mayer mcclintock
meitner mendel mendeleev mirzakhani moore morse nash newton nightingale nobel noether ohm pascal pasteur pauli perlman planck poincare
ptolemy raman ramanujan rhodes rontgen rubin rutherford sagan sammet sinoussi somerville swirles tesla thompson torvalds tu turing vaughan
volta wescoff wiles williams wu yalow yonath`);

function words(text: string): readonly string[] {
  return text.split(/\s+/);
}
