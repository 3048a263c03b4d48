/** Where a server is, and how one gets in. */
import type { ConnectionOptions } from "node:tls";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Read anew for each connection, so that a changed password is found. */
export interface Login {
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: ConnectionOptions | undefined;
}
