import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is kept of a step that is done. */
export interface Step {
  readonly name: string;
  readonly said: string;
  readonly tookMs: number;
}

/** The steps of a drill, kept in its folder, so that one that was killed goes on where it was. */
export class Steps {
  readonly #path: string;
  readonly #done: Step[];

  constructor(folder: string) {
    this.#path = join(folder, 'steps.json');
    this.#done = existsSync(this.#path) ? (JSON.parse(readFileSync(this.#path, 'utf8')) as Step[]) : [];
  }

  /** Does a step, unless it is done, and says what it was. `work` gives the sentence. */
  async take(name: string, work: () => Promise<string>): Promise<Step> {
    const before = this.#done.find((step) => step.name === name);
    if (before !== undefined) return before;
    const began = performance.now();
    const said = await work();
    const step = { name, said, tookMs: Math.round(performance.now() - began) };
    this.#done.push(step);
    writeFileSync(`${this.#path}.part`, JSON.stringify(this.#done));
    renameSync(`${this.#path}.part`, this.#path);
    console.log(`  ${name.padEnd(10)} ${said}`);
    return step;
  }
}
