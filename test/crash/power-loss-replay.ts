/**
 * A process that rebuilds disks as a power cut would have left them, opens the store on each, and checks it.
 *
 * It reads tasks as lines of JSON and answers each with a line of JSON.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { checkLog, type Broken } from './support/check-log.ts';
import { category } from './support/checkable-event.ts';
import { Disk, parseRecording, type DiskImage, type DiskStep } from './support/disk-image.ts';
import { parseAck, parseNote, type Ack } from './support/lane.ts';
import { openStore } from './support/open-store.ts';
import { seededRandom } from './support/random.ts';
import { sayReady } from './support/say-ready.ts';

export interface ReplayTask {
  /** A recording of the shim. */
  readonly recording: string;
  /** How many power cuts to try. */
  readonly images: number;
  readonly seed: number;
  /** Where to put the images. */
  readonly folder: string;
  /** Some events were appended to be scavenged: the others are checked, and the seals of all. */
  readonly scavenged: boolean;
}

export interface ReplayResult {
  readonly images: number;
  /** Images on which some promise does not hold. */
  readonly brokenImages: number;
  readonly steps: number;
  readonly broken: readonly Broken[];
}

/** `verify` reads everything once more, so it runs on one image in so many. */
const verifyEvery = 10;

async function replay({ recording, images, seed, folder, scavenged }: ReplayTask): Promise<ReplayResult> {
  const random = seededRandom(seed);
  const steps = parseRecording(readFileSync(recording));
  // Half of the cuts are in the last part, which may be a short one.
  const lastPart = Math.max(0, steps.findLastIndex(isBeginning));
  const cuts = Array.from({ length: images }, (_, image) =>
    random.between(image % 2 === 0 ? 0 : lastPart, steps.length),
  );
  cuts.sort((a, b) => a - b);
  const disk = new Disk();
  const acks: Ack[] = [];
  /** Files that must be there, besides the store. */
  const made = new Set<string>();
  const broken: Broken[] = [];
  let brokenImages = 0;
  let played = 0;
  for (const [number, cut] of cuts.entries()) {
    for (; played < cut; played++) {
      const step = steps[played];
      if (step?.kind === 'acknowledged') {
        for (const line of step.text.trimEnd().split('\n')) {
          const name = parseNote('made', line);
          if (name !== undefined) made.add(name);
          else if (parseNote('began', line) === undefined) acks.push(parseAck(line));
        }
      } else if (step !== undefined) disk.play(step);
    }
    const found = await checkImage(disk.afterPowerCut(random), {
      folder: join(folder, String(number)),
      acks,
      made,
      scavenged,
      verify: scavenged || number % verifyEvery === 0,
    });
    if (found.length > 0) brokenImages++;
    broken.push(...found.map(({ kind, problem }) => ({ kind, problem: `Cut ${cut} of ${steps.length}: ${problem}` })));
  }
  return { images, brokenImages, steps: steps.length, broken: broken.slice(0, 20) };
}

/** Whether a part of the scenario began. */
function isBeginning(step: DiskStep): boolean {
  return step.kind === 'acknowledged' && parseNote('began', step.text) !== undefined;
}

interface CheckImageOptions {
  readonly folder: string;
  readonly acks: readonly Ack[];
  readonly made: ReadonlySet<string>;
  readonly scavenged: boolean;
  readonly verify: boolean;
}

/** What a store is copied to: whole, when it is there. */
const copies = ['backup.db', 'restored.db'] as const;

async function checkImage(image: DiskImage, options: CheckImageOptions): Promise<readonly Broken[]> {
  const { folder, made } = options;
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of image) writeFileSync(join(folder, name), bytes);
  try {
    const broken = [...(await checkStore('x.db', options))];
    for (const name of copies) {
      if (image.has(name)) broken.push(...(await checkStore(name, { ...options, verify: true })));
      else if (made.has(name)) broken.push({ kind: 'lost', problem: `${name} was made, and is gone.` });
    }
    return broken;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function checkStore(
  name: string,
  { folder, acks, scavenged, verify }: CheckImageOptions,
): Promise<readonly Broken[]> {
  try {
    await using store = await openStore(join(folder, name));
    const { broken } = await checkLog(store, {
      acks,
      positions: scavenged ? 'growing' : 'dense',
      only: scavenged ? category : undefined,
    });
    if (!verify) return broken;
    const findings: Broken[] = [];
    for await (const progress of store.verify()) {
      findings.push(...progress.findings.map(({ problem }) => ({ kind: 'unusable' as const, problem })));
    }
    return [...broken, ...findings];
  } catch (error) {
    return [{ kind: 'unusable', problem: `${name} cannot be opened: ${String(error)}` }];
  }
}

sayReady();
for await (const line of createInterface({ input: process.stdin })) {
  const result = await replay(JSON.parse(line) as ReplayTask); // Our own parent wrote it.
  writeSync(1, `${JSON.stringify(result)}\n`);
}
