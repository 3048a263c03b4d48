/** Bodies of messages that tell by themselves whether they came back whole. */

export interface Body {
  /** Stands for the body in a history. */
  readonly tag: string;
  readonly text: string;
}

/** A body of about so many characters; its tag must be unique. */
export function bodyOf(tag: string, length: number): Body {
  return { tag, text: `${tag}|${length}|${padding(tag, length)}` };
}

/** The tag of a body that is whole; else a text that stands for no body. */
export function tagOf(text: string): string {
  const [tag = "", length = ""] = text.slice(0, 200).split("|", 2);
  return bodyOf(tag, Number(length)).text === text ? tag : `damaged ${text.slice(0, 60)}`;
}

function padding(tag: string, length: number): string {
  return `${tag} `.repeat(Math.ceil(length / (tag.length + 1))).slice(0, length);
}
