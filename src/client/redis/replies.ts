/** What Redis refuses, in our words and codes. */
import { ErrorReply } from "@redis/client";
import { type MillraceError, messageOf } from "../../core/index.js";
import { QueueErrors } from "../../wire/index.js";
import { ClientErrors } from "../errors.js";
import type { Address } from "./address.js";

/** Refusals that pass, or that another server does not make: asked again, with a new connection. */
const PASSING =
  /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOREPLICAS|UNBLOCKED)\b/;
const LOGIN = /^(NOAUTH|WRONGPASS|NOPERM)\b/;
const FULL = /^OOM\b|used memory > 'maxmemory'/;
/** A server that cannot write its log stops taking writes until it can. */
const NO_DISK = /^MISCONF\b/;

/** The typed error of a reply that refuses; undefined when it is none, but a failed connection. */
export function translateReply(
  error: unknown,
  command: string,
  address: Address,
): MillraceError | undefined {
  if (!(error instanceof ErrorReply)) return undefined;
  // Redis repeats the arguments of a command that it does not know: passwords, or the texts of jobs.
  const reason = error.message.replace(/,? with args beginning with:[\s\S]*/, "");
  const cause = reason === error.message ? error : new ErrorReply(reason);
  if (FULL.test(reason)) return QueueErrors.FULL({ queueName: "Redis (maxmemory)" }, cause);
  if (PASSING.test(reason) || NO_DISK.test(reason)) {
    return ClientErrors.BROKER_UNAVAILABLE({ ...address, reason }, cause);
  }
  if (LOGIN.test(reason)) return ClientErrors.LOGIN_REFUSED({ ...address, reason }, cause);
  return ClientErrors.REFUSED({ command, reason }, cause);
}

/** Whether Redis does not know a script's hash (yet, or any more). */
export function isUnknownScript(error: unknown): boolean {
  return /NOSCRIPT/.test(messageOf(error));
}

/** Where a key lies now, when Redis says that it moved. */
export function isMoved(error: unknown): boolean {
  return /\b(MOVED|ASK) \d+ /.test(messageOf(error));
}
