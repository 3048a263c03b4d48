/**
 * Goal: pages become Markdown that says what they say, runs nothing and ends soon on any input.
 * Method: small pages by rule, the project's own sample, the spec's goldens where they are at hand,
 * and pages that are made to hurt.
 */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { injectMetadata, type RowMetadata } from "../../../message/index.js";
import type { ExtractParams } from "../extractor.js";
import { extractHtml } from "./extract-html.js";
import { parsePage } from "./parse-page.js";

async function extract(html: string, params: Partial<ExtractParams> = {}) {
  const row = { documentType: "html", content: html, sourceId: "id-1", sourceName: "name-1" };
  return extractHtml({
    content: Buffer.from(html),
    documentType: "html",
    params: params as ExtractParams,
    metadata: injectMetadata(row).metadata as RowMetadata,
  });
}

async function markdown(html: string): Promise<string | undefined> {
  return (await extract(html)).rows[0]?.metadata.content;
}

describe("blocks", () => {
  it.each([
    ["<h1>A <b>b</b></h1><h3>x<br>y</h3>text", "# A **b**\n\n### x y\n\ntext"],
    ["<p>one</p><p>two<br>three</p>four", "one\n\ntwo  \nthree\n\nfour"],
    ["<div>a<div>b</div>c</div>", "a\n\nb\n\nc"],
    ["<p>line\n   two</p>  <p>\t x </p>", "line\ntwo\n\nx"],
    [
      "<blockquote><p>a</p><p>b</p><blockquote>c</blockquote></blockquote>d",
      "> a\n>\n> b\n>\n> > c\n\nd",
    ],
    ["a<hr>b", "a\n\n---\n\nb"],
    ["<dl><dt>t<dd>d</dl>", "t\n:   d"],
    ["<pre>\n a  *b*\n  c\n</pre>", "```\n a  *b*\n  c\n```"],
    ["<pre>x ``` y</pre>", "````\nx ``` y\n````"],
    ["<h1> </h1><p></p><b></b><ul><li></ul><pre> </pre>", ""],
  ])("%j becomes %j", async (html, text) => {
    expect(await markdown(html)).toBe(text);
  });
});

describe("text in a line", () => {
  it.each([
    ["a<b> bold </b>c", "a **bold** c"],
    ["<b>a <i>b</i></b> <em><strong>c</strong></em>", "**a *b*** ***c***"],
    ["<b><b>x</b></b> <del>d</del> <u>u</u> <q>q</q>", '**x** ~~d~~ <u>u</u> "q"'],
    ["<b><p>a</p><p>b</p></b>", "**a**\n\n**b**"],
    ["2*3_4 &lt;b&gt; 1 &lt; 2", "2\\*3\\_4 \\<b> 1 < 2"],
    ["<code>a  *b*</code> <kbd>`</kbd>", "`a *b*` `` ` ``"],
    ["<input type=checkbox checked> a <input type=CheckBox>b <input value=x>", "[x] a [ ] b"],
    ["a&nbsp;b&shy;c", "a\u00a0b\u00adc"],
  ])("%j becomes %j", async (html, text) => {
    expect(await markdown(html)).toBe(text);
  });
});

describe("links and pictures", () => {
  it.each([
    ["<a href='http://a.b/c d?e=f' title='T \"q\"'>x</a>", '[x](http://a.b/c%20d?e=f "T \\"q\\"")'],
    ["<a href='/rel%20x#y'>x</a> <a href='#z'>y</a>", "[x](/rel%20x#y) [y](#z)"],
    ["<a href='HTTPS://a.b/мост(1)'>x</a>", "[x](HTTPS://a.b/%D0%BC%D0%BE%D1%81%D1%82%281%29)"],
    ["<a href='http://a.b/c_d'>http://a.b/c_d</a>", "<http://a.b/c_d>"],
    ["<a href='mailto:a@b'>m</a> <a href=' java\nscript:x'>j</a> <a href='data:x'>d</a>", "m j d"],
    ["<a>n</a><a href=''>o</a><a href='/x'></a>", "no"],
    ["<a href='/x'><div>a</div><div>b</div></a>", "[a b](/x)"],
    ["<img alt='a\nb]' src='data:image/png;base64,AAAA'>", "![a b\\]](data:image/png;base64...)"],
    ["<img alt=a src='i.png' title=t>", '![a](i.png "t")'],
    ["<img src='data:x,y' data-src='late.png'>", "![](late.png)"],
    ["<img alt='only alt' src='javascript:x'><img>", "only alt"],
  ])("%j becomes %j", async (html, text) => {
    expect(await markdown(html)).toBe(text);
  });
});

describe("lists", () => {
  it.each([
    ["<ul><li>a<li>b<ul><li>c<ul><li>d</ul></ul></ul>e", "* a\n* b\n  + c\n    - d\n\ne"],
    ["<ol start=9><li>a<li><p>b</p><p>c</p></ol>", "9. a\n10. b\n\n    c"],
    ["<ol start='x'><li>a<ul><li>b</ul><li>c</ol>", "1. a\n   + b\n2. c"],
    ["<ul><li><p>a</p><li><p>b</p></ul>", "* a\n* b"],
    ["<ul><li>a<pre>x\ny</pre></ul>", "* a\n\n  ```\n  x\n  y\n  ```"],
    ["<ul><li><blockquote>q<p>r</blockquote></ul>", "* > q\n  >\n  > r"],
  ])("%j becomes %j", async (html, text) => {
    expect(await markdown(html)).toBe(text);
  });
});

describe("tables", () => {
  it.each([
    ["<table><tr><th>a<th>b<tr><td>1<td>2</table>", "| a | b |\n| --- | --- |\n| 1 | 2 |"],
    ["<table><thead><tr><td>a<tbody><tr><td>1</table>", "| a |\n| --- |\n| 1 |"],
    ["<table><tr><td>1<td colspan=2>2</table>", "|  |  |  |\n| --- | --- | --- |\n| 1 | 2 | |"],
    ["<table><tr><th>a<tr><td>1<td>2</table>", "| a |  |\n| --- | --- |\n| 1 | 2 |"],
    [
      "<table><caption>C</caption><tr><th>a|b<tr><td><p>x</p><ul><li>y</ul><pre>z\nq</pre></table>",
      "C\n\n| a\\|b |\n| --- |\n| x y `z q` |",
    ],
    ["<table><tr><th>a<tr><td><table><tr><td>b<td>c</table></table>", "| a |\n| --- |\n| b c |"],
    ["a<table><tr><td> </table>b", "a\n\nb"],
    ["<ul><li>a<table><tr><th>b</table></ul>", "* a\n\n  | b |\n  | --- |"],
  ])("%j becomes %j", async (html, text) => {
    expect(await markdown(html)).toBe(text);
  });
});

describe("what is no text of the page", () => {
  it("is left out: scripts, styles, templates, titles, comments, frames", async () => {
    const html =
      "<title>t1</title><style>t2</style><script>t3</script><p>seen</p><!-- t4 --><template>t5</template>" +
      "<svg><style>t6</style><title>t7</title></svg><iframe>t8</iframe><noscript>also seen</noscript>";
    expect(await markdown(html)).toBe("seen\n\nalso seen");
  });
});

describe("the row", () => {
  it("is the document's own with Markdown as content and a language", async () => {
    const { rows, notes } = await extract(
      "<p>Вода течёт, и мельница мелет муку для всей долины.</p>",
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]?.documentType).toBe("text");
    expect(rows[0]?.metadata).toMatchObject({
      source_metadata: { source_id: "id-1", source_name: "name-1", source_type: "html" },
      content_metadata: { type: "text", page_number: -1 },
      text_metadata: { text_type: "document", language: "ru" },
    });
    expect(notes).toEqual([]);
  });

  it("is there for an empty page too, and says what was asked for in vain", async () => {
    const { rows, notes } = await extract("", { extractImages: true, extractTables: true });
    expect(rows[0]?.metadata.content).toBe("");
    expect(notes).toEqual([expect.stringContaining("images are not extracted from HTML")]);
  });
});

describe("pages that are made to hurt", () => {
  const times = 20_000;
  it.each(
    [
      "div",
      "b",
      "ul><li",
      "blockquote",
      "table><tr><td",
      "a href=x",
      "pre",
      "h1",
      "font size=1><p",
      "q",
    ].map((tag) => [tag] as const),
  )("keep their text when <%s> is nested 20,000 deep", async (tag) => {
    const text = await markdown(`${`<${tag}>`.repeat(times)}the end`);
    expect(text).toContain("the end");
    expect(text?.length).toBeLessThan(2_000_000);
  });

  it.each([
    ["attributes", `<p ${Array.from({ length: 150_000 }, (_, i) => `a${i}`).join(" ")}>end`],
    ["open tags", `${"<".repeat(1_500_000)} end`],
    ["white space", `${" \n".repeat(750_000)}end`],
    ["marks", `${"*_".repeat(700_000)} end`],
    ["wide cells", `<table>${"<tr><td>x<td colspan=999999999>y".repeat(30_000)}</table>end`],
    ["a long address", `<a href="${" (".repeat(700_000)}">end</a>`],
    ["a large picture", `<img src="data:image/png;base64,${"A".repeat(1_500_000)}">end`],
  ])("are read to their end: %s", async (_, html) => {
    const text = await markdown(html);
    expect(text).toContain("end");
    expect(text?.length).toBeLessThan(12_000_000);
  });

  it("are refused when they have more bytes or elements than the limit", () => {
    const limits = { maxBytes: 1_000, maxElements: 100 };
    const codeOf = (html: string) => {
      try {
        parsePage(Buffer.from(html), limits);
        return "nothing was thrown";
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(codeOf("x".repeat(1_001))).toBe("EXTRACT_HTML_TOO_LARGE");
    expect(codeOf("<p>".repeat(101))).toBe("EXTRACT_HTML_TOO_LARGE");
    expect(codeOf("<p>".repeat(90))).toBe("nothing was thrown");
  });
});

describe("the sample grain-prices.html", () => {
  it("gives headings, table, lists, links and scripts of the world, and no script", async () => {
    const text = (await markdown(readFileSync("samples/grain-prices.html", "utf8"))) ?? "";
    expect(text.startsWith("# Grain prices of the *valley*\n\n")).toBe(true);
    expect(text).toContain('[market hall](https://market.example/hall?day=tue "open on Tuesdays")');
    expect(text).toContain(
      "| Grain | Price | Change |\n| --- | --- | --- |\n| rye | 14.20 | +0.30 |\n",
    );
    expect(text).toContain(
      "* Oats wait for:\n  3. dry weather\n  4. lower tolls\n     - at the bridge",
    );
    expect(text).toContain("![Curve of prices](data:image/gif;base64...)");
    expect(text).toContain("小麦价格保持不变。");
    expect(text).not.toMatch(/must not be in the text|javascript|border-collapse/);
  });
});

const spec = resolve("../shared/spec/expectations.json");
describe.runIf(existsSync(spec))("the spec's goldens", () => {
  it("are met", async () => {
    const goldens: { input: string; output: string }[] = JSON.parse(
      readFileSync(spec, "utf8"),
    ).html;
    expect(goldens.length).toBeGreaterThan(1);
    for (const { input, output } of goldens) expect(await markdown(input)).toBe(output);
  });
});
