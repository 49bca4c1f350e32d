/**
 * A moment at which the drill may be killed: something has just happened, or is about to. With `DRILL_MOMENTS` set, each
 * is a line `.` on standard error, so that whoever wants to kill it counts them instead of waiting for a time.
 */
export function moment(): void {
  if (process.env['DRILL_MOMENTS'] !== undefined) process.stderr.write('.\n');
}
