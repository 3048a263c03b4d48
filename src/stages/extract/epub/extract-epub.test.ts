/**
 * Goal: a book's chapters come in reading order as Markdown, with what the book says of itself; protected
 * and broken books are refused. Method: books of a few chapters built here.
 */
import { Transformer } from "@napi-rs/image";
import { expect, test } from "vitest";
import { extractRequest } from "../../../../test/helpers/extract-request.js";
import { zipOf } from "../../../../test/helpers/zip-of.js";
import { extractEpub } from "./extract-epub.js";

const PNG = Transformer.fromRgbaPixels(new Uint8Array(3 * 2 * 4), 3, 2).pngSync();

const PACKAGE = `<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
  <dc:title>The River</dc:title><dc:subject>water</dc:subject><dc:subject>mills</dc:subject><dc:date>2024-05-01</dc:date>
  <meta property="dcterms:modified">2025-06-02T10:00:00Z</meta></metadata>
  <manifest><item id="b" href="text/two%20b.xhtml" media-type="application/xhtml+xml"/>
  <item id="a" href="text/one.xhtml" media-type="application/xhtml+xml"/>
  <item id="gone" href="gone.xhtml" media-type="application/xhtml+xml"/>
  <item id="p" href="../p.png" media-type="image/png"/></manifest>
  <spine><itemref idref="a"/><itemref idref="b"/><itemref idref="a"/><itemref idref="nothing"/></spine></package>`;

const page = (body: string) =>
  `<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>${body}</body></html>`;

function epub(parts: Record<string, string | Uint8Array> = {}): Uint8Array {
  return zipOf({
    mimetype: "application/epub+zip",
    "META-INF/container.xml":
      '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
    "OEBPS/book.opf": PACKAGE,
    "OEBPS/text/one.xhtml": page('<a id="x"/><h1>One</h1><p>First.</p>'),
    "OEBPS/text/two b.xhtml": page("<h1>Two</h1><script>alert(1)</script><p>Second.<br/>Line.</p>"),
    "p.png": PNG,
    ...parts,
  });
}

test("chapters are rows in the order of the spine", async () => {
  const request = extractRequest("epub", epub(), { text_depth: "page" });
  const { rows, notes } = await extractEpub(request);
  expect(notes).toEqual([]);
  expect(rows.map(({ metadata }) => metadata.content)).toEqual([
    "# One\n\nFirst.",
    "# Two\n\nSecond.  \nLine.",
  ]);
  expect(rows[1]?.metadata).toMatchObject({
    content_metadata: { page_number: 1, hierarchy: { page_count: 2, page: 1 } },
    source_metadata: {
      source_type: "epub",
      summary: "The River",
      date_created: "2024-05-01T00:00:00+00:00",
      last_modified: "2025-06-02T10:00:00+00:00",
    },
    text_metadata: { text_type: "page", keywords: "water, mills" },
  });
});

test("a book is one text at depth document, and its pictures follow", async () => {
  const params = { text_depth: "document", extract_images: true };
  const { rows } = await extractEpub(extractRequest("epub", epub(), params));
  expect(rows.map(({ documentType }) => documentType)).toEqual(["text", "image"]);
  expect(rows[0]?.metadata.content).toMatch(/^# One\n\nFirst\.\n\n# Two\n/);
  expect(rows[1]?.metadata.content).toBe(PNG.toString("base64"));
  expect(rows[1]?.metadata.image_metadata).toMatchObject({ width: 3, height: 2 });
});

test("a book whose chapters are encrypted is refused, one with encrypted fonts is not", async () => {
  const encryption = (part: string) =>
    `<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><e:EncryptedData xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:CipherData><e:CipherReference URI="${part}"/></e:CipherData></e:EncryptedData></encryption>`;
  const read = (part: string) =>
    extractEpub(extractRequest("epub", epub({ "META-INF/encryption.xml": encryption(part) })));
  await expect(read("OEBPS/text/one.xhtml")).rejects.toMatchObject({
    code: "STAGES_DOCUMENT_ENCRYPTED",
  });
  expect((await read("OEBPS/font.otf")).rows).toHaveLength(2);
});

test("a book without a list of chapters, or one that leads out of the archive, is refused", async () => {
  const read = (parts: Record<string, string>) => extractEpub(extractRequest("epub", epub(parts)));
  await expect(read({ "META-INF/container.xml": "<container/>" })).rejects.toMatchObject({
    code: "EXTRACT_OOXML_PART_MISSING",
  });
  const out = PACKAGE.replace("text/one.xhtml", "../../../../etc/passwd");
  const { rows } = await read({ "OEBPS/book.opf": out });
  expect(rows[0]?.metadata.content).toBe("");
});
