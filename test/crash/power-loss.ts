import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

import type { ReplayResult, ReplayTask } from './power-loss-replay.ts';
import type { Broken } from './support/check-log.ts';
import { startChild, type Child } from './support/child.ts';
import { Disk, parseRecording } from './support/disk-image.ts';
import { compileDiskShim, DiskControl, type DiskShim } from './support/disk-shim.ts';
import { memoryFolder } from './support/folder.ts';
import { commandFor, commandLine, report, type Outcome, type Run } from './support/outcome.ts';
import { seededRandom } from './support/random.ts';

interface Scenario {
  /** What processes do on the same disk, one after the other. */
  readonly parts: readonly string[];
  /** So many power cuts are tried on each recording of it. Checking a large log takes longer. */
  readonly images: number;
}

const scenarios: readonly Scenario[] = [
  { parts: ['append'], images: 100 },
  { parts: ['group-commit'], images: 100 },
  { parts: ['derived-reads'], images: 100 },
  { parts: ['reopen'], images: 100 },
  { parts: ['restart-write-ahead-file'], images: 100 },
  { parts: ['kill', 'kill', 'append'], images: 100 },
  { parts: ['index-on-close', 'kill', 'append'], images: 50 },
  { parts: ['index', 'kill'], images: 20 },
  { parts: ['append', 'old', 'append', 'old', 'kill'], images: 60 },
  { parts: ['hide', 'scavenge'], images: 20 },
  { parts: ['append', 'backup'], images: 40 },
  { parts: ['append', 'restore'], images: 40 },
  { parts: ['checkpoint'], images: 8 },
];

export interface LosePowerRun extends Run {
  /** Only the scenarios that end with this part. With a mutant, the disk lies from there on. Default: all. */
  readonly only?: string | undefined;
}

/**
 * R3: what was acknowledged before the power failed is there afterwards, and nothing is there in part.
 *
 * A process appends while each of its writes and syncs is recorded. From the recording disks are rebuilt as a power cut
 * at a random moment may have left them, and on each the store is opened and read. Mutant `no-sync`: once the store is made,
 * the disk says that it synced, and did not.
 */
export async function losePower(run: LosePowerRun): Promise<Outcome> {
  const { cycles, seed, mutant, stopAtFirst = false, only } = run;
  const tried = only === undefined ? scenarios : scenarios.filter(({ parts }) => parts.at(-1) === only);
  const random = seededRandom(seed);
  const broken: Broken[] = [];
  const counts = { images: 0, brokenImages: 0, recordings: 0, steps: 0 };
  using shim = compileDiskShim();
  using folder = memoryFolder();
  await using pool = new ReplayPool();
  const results: Promise<ReplayResult>[] = [];
  for (let left = cycles; left > 0;) {
    const { parts: scenario, images } = tried[counts.recordings % tried.length] ?? noScenario;
    const recording = folder.file(`${counts.recordings++}.log`);
    broken.push(...(await record(shim, { scenario, recording, seed: random.between(0, 2 ** 31), mutant, only })));
    const replayed = replay(pool, scenario, {
      recording,
      images: Math.min(images, left),
      seed: random.between(0, 2 ** 31),
      folder: folder.file(`images-${counts.recordings}`),
      scavenged: scenario.includes('scavenge'),
    });
    results.push(replayed);
    left -= images;
    if (!stopAtFirst) continue;
    broken.push(...(await replayed).broken);
    if (broken.length > 0) break;
  }
  for (const { images, brokenImages, steps, broken: found } of await Promise.all(results)) {
    counts.images += images;
    counts.brokenImages += brokenImages;
    counts.steps += steps;
    if (!stopAtFirst) broken.push(...found);
  }
  return { promise: 'R3 power loss', run, counts, broken, command: commandFor('power-loss.ts', run) };
}

/** Replays a recording and adds to each problem what was recorded. */
async function replay(pool: ReplayPool, scenario: readonly string[], task: ReplayTask): Promise<ReplayResult> {
  const result = await pool.replay(task);
  const broken = result.broken.map(({ kind, problem }) => ({ kind, problem: `${scenario.join(', ')}: ${problem}` }));
  return { ...result, broken };
}

const noScenario: Scenario = { parts: [], images: 1 };

interface RecordOptions {
  readonly scenario: readonly string[];
  readonly recording: string;
  readonly seed: number;
  readonly mutant: string | undefined;
  readonly only: string | undefined;
}

/** Runs the processes of a scenario, and says what went wrong with the recording itself. */
async function record(
  shim: DiskShim,
  { scenario, recording, seed, mutant, only }: RecordOptions,
): Promise<readonly Broken[]> {
  using folder = memoryFolder();
  using outside = memoryFolder();
  using control = new DiskControl(outside.file('control'));
  const acks = outside.file('acks');
  const environment = shim.environment({ folder: folder.path, log: recording, acks, control });
  // A disk that lies from the beginning on loses the whole file, which anybody sees.
  const parts = mutant === 'no-sync' ? ['make', ...scenario] : scenario;
  for (const [number, part] of parts.entries()) {
    const lies = only === undefined ? number === 1 : number === parts.length - 1;
    if (mutant === 'no-sync' && lies) control.letSyncsLie();
    await using child = startChild(new URL('power-loss-child.ts', import.meta.url), {
      args: [folder.file('x.db'), acks, part, String(seed + number)],
      environment,
    });
    const { code, signal, errors } = await child.ended;
    if (code !== 0 && !(part === 'kill' && signal === 'SIGKILL')) {
      return [{ kind: 'unusable', problem: `${part} ended with ${signal ?? code}: ${errors}` }];
    }
  }
  return compareWithRecording(folder.path, recording);
}

/** The recorder must have seen everything: played without a power cut, the recording gives the files as they are. */
function compareWithRecording(folder: string, recording: string): readonly Broken[] {
  const disk = new Disk();
  for (const step of parseRecording(readFileSync(recording))) disk.play(step);
  const image = disk.intact();
  const names = readdirSync(folder).filter((name) => !name.endsWith('-shm'));
  const differing = [...new Set([...names, ...image.keys()])].filter((name) => {
    const played = image.get(name);
    return played === undefined || !names.includes(name) || !readFileSync(`${folder}/${name}`).equals(played);
  });
  return differing.map((name) => ({ kind: 'unusable', problem: `The recorder missed what was written to ${name}.` }));
}

/** As many replaying processes as there are cores. */
class ReplayPool implements AsyncDisposable {
  readonly #children: Child[] = [];
  readonly #idle: Child[] = [];
  readonly #waiting: ((child: Child) => void)[] = [];
  readonly #answers: Map<Child, (line: string) => void> = new Map();

  constructor() {
    for (let index = 0; index < availableParallelism(); index++) {
      const child: Child = startChild(new URL('power-loss-replay.ts', import.meta.url), {
        onLine: (line) => this.#answers.get(child)?.(line),
      });
      this.#children.push(child);
      this.#idle.push(child);
    }
  }

  async replay(task: ReplayTask): Promise<ReplayResult> {
    const child = this.#idle.pop() ?? (await new Promise<Child>((resolve) => this.#waiting.push(resolve)));
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#answers.set(child, resolve);
    void child.ended.then(({ errors }) => reject(new Error(`A replaying process ended: ${errors}`)));
    child.send(JSON.stringify(task));
    const result = JSON.parse(await promise) as ReplayResult; // Our own child wrote it.
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(child);
    else next(child);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map((child) => child[Symbol.asyncDispose]()));
  }
}

if (import.meta.main) report(await losePower(commandLine(200_000).run));
