import { ClientErrors } from "./errors.js";

/** Refuses what a broker refuses over the network, in its words, so that the clients are alike. */
export function checkText(command: string, name: string, text: unknown): void {
  const refuse = (fault: string) => ClientErrors.REFUSED({ command, reason: `${name}: ${fault}` });
  if (typeof text !== "string") throw refuse(`must be a string, is ${typeof text}`);
  if (text === "") throw refuse("must have at least 1 character");
  if (!text.isWellFormed()) throw refuse("holds an unpaired surrogate");
}
