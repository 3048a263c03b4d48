/**
 * What Millrace needs of a logger; pino and console both fit. No body of a message, no content of a
 * document and no key is ever handed to it.
 */
export interface Logger {
  debug(details: object, text: string): void;
  info(details: object, text: string): void;
  warn(details: object, text: string): void;
  error(details: object, text: string): void;
}

const ignore = () => {};

/** The default of a library: says nothing. */
export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
