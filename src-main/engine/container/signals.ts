import { constants } from 'node:os';
import { EngineError } from '../../base/errors.ts';

const numbers: Readonly<Record<string, number>> = constants.signals;
/** glibc's and musl's common range of real-time signals, as the kernel counts them. */
const realTimeFirst = 34;
const realTimeLast = 64;

/** `KILL`, `SIGKILL`, `sigkill`, `9`, `RTMIN+3`: as Podman takes them. Answers the number. */
export function parseSignal(text: string): number {
  const word = text.trim().toUpperCase();
  if (/^\d+$/.test(word)) {
    const number = Number(word);
    if (number >= 1 && number <= realTimeLast) return number;
    throw invalid(text);
  }
  const name = word.startsWith('SIG') ? word : `SIG${word}`;
  const known = numbers[name];
  if (known !== undefined) return known;
  const realTime = /^SIGRT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (realTime) {
    const base = realTime[1] === 'MIN' ? realTimeFirst : realTimeLast;
    const number = base + (realTime[2] === '-' ? -1 : 1) * Number(realTime[3] ?? 0);
    if (number >= realTimeFirst && number <= realTimeLast) return number;
  }
  throw invalid(text);
}

/** `SIGTERM` of 15; the number itself when it has no name here. */
export function signalName(number: number): string {
  return Object.keys(numbers).find((name) => numbers[name] === number) ?? String(number);
}

function invalid(text: string): EngineError {
  return new EngineError('invalid-argument', `invalid signal: ${text}`, {
    fix: 'give a name such as TERM or SIGKILL, or a number from 1 to 64',
    details: { field: 'signal' },
  });
}
