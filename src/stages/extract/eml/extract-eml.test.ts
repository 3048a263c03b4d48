/**
 * Goal: a mail is its text, and its attachments are rows of their own, also those of a mail in the mail;
 * whatever an attachment is, the mail is read. Method: mails written here, through the same way in as
 * all documents.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { extractRequest } from "../../../../test/helpers/extract-request.js";
import { extractDocument } from "../extractors.js";

const handbook = readFileSync(
  new URL("../../../../samples/millrace-handbook.pdf", import.meta.url),
);

interface Part {
  readonly type: string;
  readonly name?: string;
  readonly content: string | Uint8Array;
}

function mail(parts: readonly Part[], head = "Subject: =?utf-8?q?Low_w=C3=A4ter?="): string {
  const bodies = parts.map(({ type, name, content }) => {
    const disposition =
      name === undefined ? "" : `Content-Disposition: attachment; filename="${name}"\r\n`;
    const encoded = Buffer.from(content).toString("base64").replaceAll(/.{76}/g, "$&\r\n");
    return `--edge\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: base64\r\n${disposition}\r\n${encoded}\r\n`;
  });
  return [
    `${head}\r\nFrom: Mill <mill@example.org>\r\nTo: a@example.org, Bee <b@example.org>`,
    "Date: Mon, 02 Nov 2026 07:15:00 +0000\r\nMIME-Version: 1.0",
    `Content-Type: multipart/mixed; boundary=edge\r\n\r\n${bodies.join("")}--edge--\r\n`,
  ].join("\r\n");
}

const text = { type: "text/plain; charset=utf-8", content: "The gate is shut." };
const read = (content: string, params: object = {}) =>
  extractDocument(extractRequest("eml", content, params));

test("a mail is its heads and its text, then the rows of its attachments", async () => {
  const { rows, notes } = await read(
    mail([text, { type: "application/octet-stream", name: "../../handbook", content: handbook }]),
  );
  expect(notes).toEqual([]);
  expect(rows).toHaveLength(7);
  expect(rows[0]?.metadata.content).toBe(
    "# Low wäter\n\nFrom: Mill <mill@example.org>\n" +
      "To: a@example.org, Bee <b@example.org>\nDate: 2026-11-02T07:15:00.000Z\n\nThe gate is shut.",
  );
  expect(rows[0]?.metadata.source_metadata).toMatchObject({
    source_type: "eml",
    source_id: "folder/name.eml",
    date_created: "2026-11-02T07:15:00",
  });
  // A PDF by its content, under its own name without any folder.
  expect(rows[1]?.metadata.source_metadata).toMatchObject({
    source_type: "PDF",
    source_id: "folder/name.eml/handbook",
  });
});

test("a page is taken as Markdown where a mail has no plain text", async () => {
  const page = { type: "text/html", content: "<h2>Gate</h2><p>shut <b>now</b></p>" };
  const { rows } = await read(mail([page], "X-None: 1"));
  expect(rows[0]?.metadata.content).toMatch(/Z\n\n## Gate\n\nshut \*\*now\*\*$/);
});

test("mails in mails are read to the third, what is unknown or broken is noted", async () => {
  let nested = mail([text]);
  for (let i = 0; i < 4; i++) nested = mail([text, { type: "message/rfc822", content: nested }]);
  const { rows, notes } = await read(nested);
  expect(rows).toHaveLength(3);
  expect(notes).toEqual(["1 attachments of a mail are of types that are not read here"]);

  const broken = await read(
    mail([
      text,
      { type: "application/pdf", name: "a.pdf", content: "no pdf" },
      { type: "text/plain", name: "b.txt", content: "plain" },
      { type: "font/woff", name: "c.woff", content: "font" },
    ]),
  );
  expect(broken.rows.map(({ metadata }) => metadata.content.slice(-17))).toEqual([
    "The gate is shut.",
    "plain",
  ]);
  expect(broken.notes[0]).toMatch(/^attachment 1 of a mail cannot be read: .*"%PDF-"/);
  expect(broken.notes[1]).toBe("1 attachments of a mail are of types that are not read here");
});

test("what has no header lines is no mail", async () => {
  await expect(read("\r\n\r\njust text")).rejects.toMatchObject({
    code: "STAGES_DOCUMENT_UNREADABLE",
  });
});

test("a document is read as what it is, and a remark tells that it was said to be something else", async () => {
  const { rows, remarks } = await extractDocument(extractRequest("docx", handbook));
  expect(rows).toHaveLength(6);
  expect(remarks).toEqual(["a document that is said to be docx is pdf, and was read as that"]);
});
