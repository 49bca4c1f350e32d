/** What a check found. */
export interface CheckResult {
  readonly check: string;
  readonly verdict: 'ok' | 'warn' | 'fail';
  /** What was seen. */
  readonly evidence: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** Something that a doctor looks at. */
export type Check = (path: string) => Promise<CheckResult>;
