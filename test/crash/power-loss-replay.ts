/**
 * A process that rebuilds disks as a power cut would have left them, opens the store on each, and checks it.
 *
 * It reads tasks as lines of JSON and answers each with a line of JSON.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { checkLog, type Broken } from './support/check-log.ts';
import { Disk, parseRecording, type DiskImage } from './support/disk-image.ts';
import { parseAck, type Ack } from './support/lane.ts';
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

async function replay({ recording, images, seed, folder }: ReplayTask): Promise<ReplayResult> {
  const random = seededRandom(seed);
  const steps = parseRecording(readFileSync(recording));
  const cuts = Array.from({ length: images }, () => random.between(0, steps.length)).toSorted((a, b) => a - b);
  const disk = new Disk();
  const acks: Ack[] = [];
  const broken: Broken[] = [];
  let brokenImages = 0;
  let played = 0;
  for (const [number, cut] of cuts.entries()) {
    for (; played < cut; played++) {
      const step = steps[played];
      if (step?.kind === 'acknowledged') acks.push(...step.text.trimEnd().split('\n').map(parseAck));
      else if (step !== undefined) disk.play(step);
    }
    const found = await checkImage(disk.afterPowerCut(random), {
      folder: join(folder, String(number)),
      acks,
      verify: number % verifyEvery === 0,
    });
    if (found.length > 0) brokenImages++;
    broken.push(...found.map(({ kind, problem }) => ({ kind, problem: `Cut ${cut} of ${steps.length}: ${problem}` })));
  }
  return { images, brokenImages, steps: steps.length, broken: broken.slice(0, 20) };
}

interface CheckImageOptions {
  readonly folder: string;
  readonly acks: readonly Ack[];
  readonly verify: boolean;
}

async function checkImage(image: DiskImage, { folder, acks, verify }: CheckImageOptions): Promise<readonly Broken[]> {
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of image) writeFileSync(join(folder, name), bytes);
  try {
    await using store = await openStore(join(folder, 'x.db'));
    const { broken } = await checkLog(store, { acks, positions: 'dense' });
    if (!verify) return broken;
    const findings: Broken[] = [];
    for await (const progress of store.verify()) {
      findings.push(...progress.findings.map(({ problem }) => ({ kind: 'unusable' as const, problem })));
    }
    return [...broken, ...findings];
  } catch (error) {
    return [{ kind: 'unusable', problem: `The store cannot be opened: ${String(error)}` }];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

sayReady();
for await (const line of createInterface({ input: process.stdin })) {
  const result = await replay(JSON.parse(line) as ReplayTask); // Our own parent wrote it.
  writeSync(1, `${JSON.stringify(result)}\n`);
}
