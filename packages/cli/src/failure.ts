import type { ExitCode } from './exit-code.ts';

/** A command that cannot do what it was asked. The message is a sentence that says the way out. */
export class Failure extends Error {
  override readonly name = 'Failure';
  /** In the words of the errors' codes: `usage`, `not-found`, … */
  readonly code: string;
  readonly exitCode: ExitCode;

  constructor(code: string, exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.exitCode = exitCode;
  }
}

/** The command line says something that means nothing. */
export function usage(message: string, options?: ErrorOptions): Failure {
  return new Failure('usage', 2, message, options);
}

/** What was asked for is not there. */
export function notFound(message: string): Failure {
  return new Failure('not-found', 3, message);
}
