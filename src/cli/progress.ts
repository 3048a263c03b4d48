/** Shows on standard error how far an ingestion is: a bar on a terminal, plain lines elsewhere. */
import { Presets, SingleBar } from "cli-progress";
import type { DocumentOutcome } from "../runtime/index.js";
import { printable, shortened } from "./printable.js";

const NAME_LENGTH_MAX = 24;

export interface Progress {
  done(outcome: DocumentOutcome): void;
  end(): void;
}

/** @param total how many files there are, those that will be skipped among them. */
export function openProgress(total: number, note: (text: string) => void): Progress {
  return process.stderr.isTTY === true ? bar(total) : lines(total, note);
}

function bar(total: number): Progress {
  const name = (outcome: DocumentOutcome) => shortened(printable(outcome.name), NAME_LENGTH_MAX);
  const single = new SingleBar(
    {
      format: "{bar} {value}/{total} {document}",
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
      barsize: 30,
      linewrap: false,
      gracefulExit: false,
    },
    Presets.shades_classic,
  );
  single.start(total, 0, { document: "" });
  return {
    done: (outcome) => single.increment(1, { document: name(outcome) }),
    end: () => single.stop(),
  };
}

function lines(total: number, note: (text: string) => void): Progress {
  let count = 0;
  return {
    done(outcome) {
      count++;
      note(`[${count}/${total}] ${printable(outcome.name)}: ${endOf(outcome)}`);
    },
    end() {},
  };
}

function endOf({ status, rows, characters, elapsedMs, cause }: DocumentOutcome): string {
  if (status !== "success") return `${status}: ${printable(cause ?? "")}`;
  const made = `${rows} row${rows === 1 ? "" : "s"}, ${characters} characters`;
  return `${made}, ${(elapsedMs / 1000).toFixed(2)} s`;
}
