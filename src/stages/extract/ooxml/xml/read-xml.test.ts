/**
 * Goal: parts become elements with our own prefixes; nothing is declared, expanded or nested without
 * end. Method: small XML texts, good and hostile.
 */
import { describe, expect, it } from "vitest";
import { readXml, XML_LIMITS } from "./read-xml.js";
import { childrenOf, descend, integerOf, textOf, type XmlElement } from "./xml-element.js";

const W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const STRICT_W = "http://purl.oclc.org/ooxml/wordprocessingml/main";
const read = (text: string | Uint8Array) =>
  readXml(typeof text === "string" ? Buffer.from(text) : text, { part: "test.xml" });

function fault(act: () => unknown): { code: string; message: string } {
  try {
    act();
  } catch (error) {
    return error as { code: string; message: string };
  }
  return { code: "nothing was thrown", message: "" };
}

describe("elements", () => {
  it("have the room's prefixes, whatever prefix and whichever of the two namespaces is used", () => {
    for (const xml of [
      `<w:p xmlns:w="${W}" w:a="1" b="2"/>`,
      `<p xmlns="${STRICT_W}" xmlns:q="${STRICT_W}" q:a="1" b="2"/>`,
    ]) {
      const root = read(xml);
      expect(root.name).toBe("w:p");
      expect({ ...root.attributes }).toEqual({ "w:a": "1", b: "2" });
    }
  });

  it("keep text, blanks and CDATA in order", () => {
    const root = read("<a> x <b/>&lt;&#x6C34;<![CDATA[<c>]]> </a>");
    expect(textOf(root)).toBe(" x <水<c> ");
    expect(childrenOf(root, "b")).toHaveLength(1);
    expect(descend(root, "b", "c")).toBeUndefined();
  });

  it("read numbers only where there are some", () => {
    const root = read('<a n="-12" x="1e9" y="" z="99999999999999999999"/>');
    const numbers = ["n", "x", "y", "z", "q"].map((name) => integerOf(root, name));
    expect(numbers).toEqual([-12, undefined, undefined, undefined, undefined]);
  });

  it("may be UTF-16 with and without a mark", () => {
    const little = Buffer.from('<a n="水"/>', "utf16le");
    expect(read(little).attributes.n).toBe("水");
    expect(read(Buffer.concat([Buffer.from([0xff, 0xfe]), little])).attributes.n).toBe("水");
    expect(read(Buffer.from(little).swap16()).attributes.n).toBe("水");
  });

  it("are no key to prototypes", () => {
    const root = read('<a __proto__="x" constructor="y"/>');
    expect(Object.keys(root.attributes)).toEqual(["__proto__", "constructor"]);
    expect(Object.getPrototypeOf(root.attributes)).toBeNull();
  });
});

describe("items", () => {
  it("are handed on one by one and not kept, and only those of the first such element", () => {
    const items: XmlElement[] = [];
    const xml = "<d><body> <p>1</p><p>2<body><p>in</p></body></p></body><body><p>3</p></body></d>";
    const onItem = (item: XmlElement) => items.push(item);
    const root = readXml(Buffer.from(xml), { part: "x", items: { of: "body", onItem } });
    expect(items.map((item) => `${item.name}${textOf(item)}`)).toEqual(["p1", "p2"]);
    expect(descend(root, "body")?.children).toEqual([]);
  });

  it("count against the limit one by one", () => {
    const limits = { ...XML_LIMITS, maxElements: 10 };
    const xml = (text: string) => Buffer.from(`<d><body>${text}</body></d>`);
    const items = { of: "body", onItem: () => undefined };
    readXml(xml("<p><r/><r/></p>".repeat(100)), { part: "x", items, limits });
    expect(
      fault(() => readXml(xml(`<p>${"<r/>".repeat(10)}</p>`), { part: "x", items, limits })).code,
    ).toBe("EXTRACT_OOXML_XML_TOO_COMPLEX");
  });
});

describe("hostile XML", () => {
  const refused: [string, string][] = [
    ["a bomb of entities", '<!DOCTYPE a [<!ENTITY b "xx"><!ENTITY c "&b;&b;">]><a>&c;</a>'],
    ["an entity from outside", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hosts">]><a>&x;</a>'],
    ["a document type without entities", "<!DOCTYPE a><a/>"],
    ["an entity that nobody declared", "<a>&nbsp;</a>"],
    ["a part that is cut short", "<a><b></b>"],
    ["crossed elements", "<a><b></a></b>"],
    ["a prefix that nobody declared", "<x:a/>"],
    ["a part without any element", "   "],
    ["two attributes of one name", '<a b="1" b="2"/>'],
  ];
  it.each(refused)("is refused: %s", (_, xml) => {
    const { code, message } = fault(() => read(xml));
    expect(code).toBe("EXTRACT_OOXML_XML_INVALID");
    expect(message).toContain("test.xml");
  });

  it("is refused when it is no UTF-8", () => {
    expect(fault(() => read(Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0xfe]))).code).toBe(
      "EXTRACT_OOXML_XML_INVALID",
    );
  });

  it("is refused when it is nested without end", () => {
    const { code, message } = fault(() => read("<a>".repeat(1_000_000)));
    expect(code).toBe("EXTRACT_OOXML_XML_TOO_COMPLEX");
    expect(message).toContain(String(XML_LIMITS.maxDepth));
  });
});
