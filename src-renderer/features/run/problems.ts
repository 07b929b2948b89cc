/** What is wrong with the values, by field, as keys of texts. Pure. */
import { isPortNumber, type MountValues, parseSize, type PortValues, type RunValues } from './values.ts';
import { splitWords } from './shell-words.ts';

/** The key of a text under `run`, with what is filled in. */
export interface Problem {
  readonly key: ProblemKey;
  readonly values?: Readonly<Record<string, string | number>>;
}

export type ProblemKey =
  | 'imageNeeded'
  | 'imageSpace'
  | 'nameForm'
  | 'nameTaken'
  | 'commandQuote'
  | 'portRange'
  | 'portNeeded'
  | 'portTwice'
  | 'portUsedBy'
  | 'variableNeeded'
  | 'variableForm'
  | 'variableTwice'
  | 'mountSourceNeeded'
  | 'mountSourceAbsolute'
  | 'mountVolumeName'
  | 'mountTargetNeeded'
  | 'mountTargetAbsolute'
  | 'mountTargetTwice'
  | 'memoryForm'
  | 'memorySmall'
  | 'cpusForm'
  | 'pidsForm'
  | 'retriesForm'
  | 'restartWithRemove';

/** What there is already. */
export interface Surroundings {
  readonly names: ReadonlySet<string>;
  /** `8080/tcp` → the name of the running container that publishes it. */
  readonly publishedBy: ReadonlyMap<string, string>;
}

const objectName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
/** crun and the kernel cannot start a process in less (podman-run refuses below 6 MiB too). */
const leastMemoryBytes = 6 * 1024 * 1024;

/** Field names as react-hook-form writes them: `ports.0.hostPort`. */
export function problemsOf(values: RunValues, around: Surroundings): ReadonlyMap<string, Problem> {
  const found = new Map<string, Problem>();
  const add = (field: string, key: ProblemKey, fill?: Problem['values']) => {
    if (!found.has(field)) found.set(field, fill ? { key, values: fill } : { key });
  };
  const image = values.image.trim();
  if (image === '') add('image', 'imageNeeded');
  else if (/\s/.test(image)) add('image', 'imageSpace');
  const name = values.name.trim();
  if (name !== '' && !objectName.test(name)) add('name', 'nameForm');
  else if (around.names.has(name)) add('name', 'nameTaken');
  if (splitWords(values.command) === undefined) add('command', 'commandQuote');
  if (values.network !== 'host' && values.network !== 'none') portProblems(values.ports, around, add);
  variableProblems(values.environment, add);
  mountProblems(values.mounts, add);
  limitProblems(values, add);
  return found;
}

type Add = (field: string, key: ProblemKey, fill?: Problem['values']) => void;

function portProblems(ports: readonly PortValues[], around: Surroundings, add: Add): void {
  const seen = new Set<string>();
  ports.forEach((port, index) => {
    if (port.containerPort.trim() === '') add(`ports.${index}.containerPort`, 'portNeeded');
    else if (!isPortNumber(port.containerPort)) add(`ports.${index}.containerPort`, 'portRange');
    const hostPort = port.hostPort.trim();
    if (hostPort === '') return;
    if (!isPortNumber(hostPort)) {
      add(`ports.${index}.hostPort`, 'portRange');
      return;
    }
    const key = `${Number(hostPort)}/${port.protocol}`;
    const owner = around.publishedBy.get(key);
    if (owner !== undefined) add(`ports.${index}.hostPort`, 'portUsedBy', { name: owner });
    const exact = `${port.hostIp.trim()}:${key}`;
    if (seen.has(exact)) add(`ports.${index}.hostPort`, 'portTwice');
    seen.add(exact);
  });
}

function variableProblems(variables: RunValues['environment'], add: Add): void {
  const seen = new Set<string>();
  variables.forEach((variable, index) => {
    const name = variable.name.trim();
    if (name === '') add(`environment.${index}.name`, 'variableNeeded');
    else if (/[=\s]/.test(name)) add(`environment.${index}.name`, 'variableForm');
    else if (seen.has(name)) add(`environment.${index}.name`, 'variableTwice');
    seen.add(name);
  });
}

function mountProblems(mounts: readonly MountValues[], add: Add): void {
  const seen = new Set<string>();
  mounts.forEach((mount, index) => {
    const source = mount.source.trim();
    const target = mount.target.trim();
    if (mount.type === 'bind' && source === '') add(`mounts.${index}.source`, 'mountSourceNeeded');
    else if (mount.type === 'bind' && !source.startsWith('/')) add(`mounts.${index}.source`, 'mountSourceAbsolute');
    else if (mount.type === 'volume' && source !== '' && !objectName.test(source)) add(`mounts.${index}.source`, 'mountVolumeName');
    if (target === '') add(`mounts.${index}.target`, 'mountTargetNeeded');
    else if (!target.startsWith('/')) add(`mounts.${index}.target`, 'mountTargetAbsolute');
    else if (seen.has(target)) add(`mounts.${index}.target`, 'mountTargetTwice');
    seen.add(target);
  });
}

function limitProblems(values: RunValues, add: Add): void {
  const { memory, cpus, pids, retries } = values;
  if (memory.trim() !== '') {
    const bytes = parseSize(memory);
    if (bytes === undefined) add('memory', 'memoryForm');
    else if (bytes < leastMemoryBytes) add('memory', 'memorySmall');
  }
  if (cpus.trim() !== '' && !(/^\d+(\.\d+)?$/.test(cpus.trim()) && Number(cpus) > 0)) add('cpus', 'cpusForm');
  if (pids.trim() !== '' && pids.trim() !== '-1' && !/^[1-9]\d{0,8}$/.test(pids.trim())) add('pids', 'pidsForm');
  if (values.restart === 'on-failure' && retries.trim() !== '' && !/^\d{1,6}$/.test(retries.trim())) add('retries', 'retriesForm');
  if (values.remove && values.restart !== 'no') add('restart', 'restartWithRemove');
}
