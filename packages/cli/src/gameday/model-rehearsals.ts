import type { ModelGround } from './ground.ts';
import { broken } from './judge-model.ts';
import { type Outcome } from './outcome.ts';
import type { Rehearsal } from './plan.ts';

/** Plays scenarios of `daybook/testing/read-model`, one after the other, until one finds something. */
export function rehearsed(...scenarios: readonly Rehearsal['scenario'][]): (ground: ModelGround) => Promise<Outcome> {
  return async (ground) => {
    await ground.fill();
    for (const scenario of scenarios) {
      const { config, name, log } = ground.plan;
      await using played = ground.rehearse({ config, name, log, scenario });
      const heard = await played.until('reached');
      if (heard.kind === 'reached') continue;
      if (heard.kind !== 'failed' || heard.code !== 'finding') return broken(heard);
      const verdict = scenario === 'twice' ? 'fragile' : 'failed';
      return { verdict, why: heard.message.replace(/\.$/, ''), event: heard.event };
    }
    return { verdict: 'held', lost: 0, repeated: 0 };
  };
}
