import { DaybookError } from 'daybook';

/** The server was to be reachable by others, and nothing would keep them out. */
export class AccessControlMissing extends DaybookError {
  override readonly name = 'AccessControlMissing';
  readonly code = 'access-control-missing';

  constructor(reason: string) {
    super(
      `${reason}. There are no users and no TLS yet, so a server serves only its own machine, ` +
        'in development mode: start it with --dev, on 127.0.0.1.',
    );
  }
}

/** Another program listens where the server was to listen. */
export class PortInUse extends DaybookError {
  override readonly name = 'PortInUse';
  readonly code = 'port-in-use';
  readonly host: string;
  readonly port: number;

  constructor(host: string, port: number) {
    super(`Port ${port} of ${host} is in use by another program. Stop it, or choose another port.`);
    this.host = host;
    this.port = port;
  }
}
