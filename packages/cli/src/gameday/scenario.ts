import type { ConsumerGround, ModelGround } from './ground.ts';
import type { Outcome } from './outcome.ts';

/** Something that happens in production, and what has to hold then. */
export interface Scenario {
  readonly name: string;
  /** What happens, and what is expected, in a sentence. */
  readonly about: string;
  readonly onModel?: ((ground: ModelGround) => Promise<Outcome>) | undefined;
  readonly onConsumer?: ((ground: ConsumerGround) => Promise<Outcome>) | undefined;
}
