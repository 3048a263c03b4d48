/**
 * The last line of the terminal at standard error, on which a command that runs for long may say how
 * it is. Everything else is written above it, so nothing is torn. There is one terminal, hence one
 * line for the whole process. The cursor stays visible: whatever ends the process leaves it sane.
 */

const ERASE = "\r\u001b[K";
const COLUMNS_IF_UNKNOWN = 80;
/** Narrower ones show nothing that helps. */
const COLUMNS_MIN = 10;

/** What stands on the line; empty when there is none. */
let shown = "";

/** Whether there is a terminal that can erase a line. */
export function hasStatusLine(): boolean {
  return process.stderr.isTTY === true && process.env.TERM !== "dumb";
}

/** Replaces what stands on the line. The same text again costs nothing. */
export function showStatus(text: string): void {
  if (text === shown) return;
  shown = text;
  draw();
}

/** Writes something else; the line is out of the way meanwhile. */
export function aboveStatus(write: () => void): void {
  if (shown === "") {
    write();
    return;
  }
  process.stderr.write(ERASE);
  write();
  draw();
}

/** Draws the line anew when the terminal's size changes, until the function returned is called. */
export function holdStatusLine(): () => void {
  const end = () => {
    process.stderr.off("resize", draw);
    process.off("exit", erase);
    erase();
  };
  process.stderr.on("resize", draw);
  process.on("exit", erase);
  return end;
}

function draw(): void {
  process.stderr.write(`${ERASE}${fitting(shown, process.stderr.columns)}`);
}

function erase(): void {
  if (shown !== "") process.stderr.write(ERASE);
  shown = "";
}

/** The last column stays free: a full line would wrap, and could not be erased as one. */
function fitting(text: string, columns = COLUMNS_IF_UNKNOWN): string {
  const length = (columns || COLUMNS_IF_UNKNOWN) - 1;
  if (length < COLUMNS_MIN) return "";
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
