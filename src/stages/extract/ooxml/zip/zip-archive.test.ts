/**
 * Goal: no archive makes the reader use more than its limits, crash, or believe what is not so.
 * Method: archives built by fflate, whole, then cut and changed byte by byte.
 */
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { ZIP_LIMITS, ZipArchive, type ZipLimits } from "./zip-archive.js";

const text = (value: string) => new TextEncoder().encode(value);
const small = () => zipSync({ "a.xml": text("<a/>"), "b/c.xml": text("river ".repeat(200)) });

const SMALL_LIMITS: ZipLimits = {
  maxEntries: 3,
  maxEntryBytes: 300_000,
  maxTotalBytes: 500_000,
  maxRatio: 100,
  ratioFreeBytes: 100_000,
};

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
  return "nothing was thrown";
}

/** The place of the n-th directory entry. */
function directoryEntry(archive: Uint8Array, n = 0): number {
  const buffer = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  let at = -1;
  for (let i = 0; i <= n; i++) at = buffer.indexOf("PK\u0001\u0002", at + 1, "latin1");
  return at;
}

function changed(archive: Uint8Array, change: (view: DataView, entry: number) => void): Uint8Array {
  const copy = archive.slice();
  change(new DataView(copy.buffer), directoryEntry(copy));
  return copy;
}

describe("reading", () => {
  it("gives packed and stored entries, by names without regard to case", () => {
    const archive = new ZipArchive(
      zipSync({ "A.xml": [text("one"), { level: 0 }], b: text("two") }),
    );
    expect(Buffer.from(archive.read("a.XML") ?? []).toString()).toBe("one");
    expect(Buffer.from(archive.read("b") ?? []).toString()).toBe("two");
    expect(archive.read("c")).toBeUndefined();
    expect(archive.has("B")).toBe(true);
  });

  it("finds the archive behind bytes that do not belong to it", () => {
    const bytes = Buffer.concat([text("junk before"), small()]);
    expect(new ZipArchive(bytes).has("a.xml")).toBe(true);
  });

  it("reads an empty entry", () => {
    expect(new ZipArchive(zipSync({ empty: text("") })).read("empty")).toHaveLength(0);
  });
});

describe("damaged archives", () => {
  it("are refused wherever they are cut", () => {
    const archive = small();
    for (let bytes = 0; bytes < archive.length; bytes++) {
      expect(codeOf(() => new ZipArchive(archive.slice(0, bytes)))).toBe(
        "EXTRACT_OOXML_ARCHIVE_INVALID",
      );
    }
  });

  it("never give wrong bytes, whichever byte is changed", () => {
    const archive = small();
    const whole = "river ".repeat(200);
    for (let at = 0; at < archive.length; at++) {
      const copy = archive.slice();
      copy[at] = (copy[at] as number) ^ 0xff;
      const got = codeOf(() => {
        const bytes = new ZipArchive(copy).read("b/c.xml");
        if (bytes === undefined) throw { code: "renamed" };
        expect(Buffer.from(bytes).toString()).toBe(whole);
      });
      expect(got).toMatch(/^(EXTRACT_OOXML_ARCHIVE_\w+|renamed|nothing was thrown)$/);
    }
  });

  it("with an unknown method of packing are refused", () => {
    const archive = changed(small(), (view, entry) => view.setUint16(entry + 10, 14, true));
    expect(codeOf(() => new ZipArchive(archive).read("a.xml"))).toBe(
      "EXTRACT_OOXML_ARCHIVE_INVALID",
    );
  });
});

describe("hostile archives", () => {
  it("stop a bomb at the limit although its header claims ten bytes", () => {
    const bomb = changed(zipSync({ bomb: new Uint8Array(40_000_000) }), (view, entry) =>
      view.setUint32(entry + 24, 10, true),
    );
    expect(bomb.length).toBeLessThan(60_000);
    expect(codeOf(() => new ZipArchive(bomb, SMALL_LIMITS).read("bomb"))).toBe(
      "EXTRACT_OOXML_ARCHIVE_TOO_LARGE",
    );
    expect(codeOf(() => new ZipArchive(bomb).read("bomb"))).toBe("EXTRACT_OOXML_ARCHIVE_TOO_LARGE");
  });

  it("count all reads of an archive together, and stored bytes too", () => {
    const bytes = new Uint8Array(200_000).map((_, index) => (index * index * 31) % 251);
    const archive = new ZipArchive(zipSync({ s: [bytes, { level: 0 }] }), SMALL_LIMITS);
    expect(archive.read("s")).toHaveLength(200_000);
    expect(archive.read("s")).toHaveLength(200_000);
    expect(codeOf(() => archive.read("s"))).toBe("EXTRACT_OOXML_ARCHIVE_TOO_LARGE");
  });

  it("have no more entries than the limit", () => {
    const many = Object.fromEntries([..."abcd"].map((name) => [name, text(name)]));
    expect(codeOf(() => new ZipArchive(zipSync(many), SMALL_LIMITS))).toBe(
      "EXTRACT_OOXML_ARCHIVE_TOO_LARGE",
    );
    expect(ZIP_LIMITS.maxEntries).toBeGreaterThan(3);
  });

  it.each(["../up.xml", "/root.xml", "a/../../b", "C:/x", "..\\up"])(
    "refuse the name %s",
    (name) => {
      expect(codeOf(() => new ZipArchive(zipSync({ [name]: text("x") })))).toBe(
        "EXTRACT_OOXML_ARCHIVE_INVALID",
      );
    },
  );

  it("refuse two entries of one name", () => {
    expect(codeOf(() => new ZipArchive(zipSync({ "a.xml": text("1"), "A.xml": text("2") })))).toBe(
      "EXTRACT_OOXML_ARCHIVE_INVALID",
    );
  });

  it("refuse entries that share their data", () => {
    const archive = small();
    const view = new DataView(archive.buffer);
    const [first, second] = [directoryEntry(archive), directoryEntry(archive, 1)];
    view.setUint32(second + 42, view.getUint32(first + 42, true), true);
    expect(codeOf(() => new ZipArchive(archive))).toBe("EXTRACT_OOXML_ARCHIVE_INVALID");
  });

  it("refuse symbolic links", () => {
    const archive = changed(small(), (view, entry) => {
      view.setUint8(entry + 5, 3);
      view.setUint16(entry + 40, 0o120777, true);
    });
    expect(codeOf(() => new ZipArchive(archive))).toBe("EXTRACT_OOXML_ARCHIVE_INVALID");
  });

  it("name encryption and the formats before 2007 for what they are", () => {
    const encrypted = changed(small(), (view, entry) => view.setUint16(entry + 8, 1, true));
    expect(codeOf(() => new ZipArchive(encrypted))).toBe("EXTRACT_OOXML_ARCHIVE_PROTECTED");
    const old = Uint8Array.from(
      [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ...Array(600)],
      Number,
    );
    expect(codeOf(() => new ZipArchive(old))).toBe("EXTRACT_OOXML_ARCHIVE_PROTECTED");
  });
});
