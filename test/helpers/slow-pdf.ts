/** A PDF that keeps an extractor busy: many pages, each with the same long text. */

const LINES_PER_PAGE = 60;

/** Takes PDFium some milliseconds per page; a thousand pages are far less than a megabyte. */
export function slowPdf(pageCount: number): Buffer {
  const line = "(the wheel turns while the water runs and stops when it does not) Tj 0 -12 Td ";
  const content = `BT /F1 10 Tf 40 800 Td ${line.repeat(LINES_PER_PAGE)} ET`;
  const kids = Array.from({ length: pageCount }, (_, index) => `${index + 5} 0 R`).join(" ");
  const page = "<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>";
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    `<< /Type /Pages /Count ${pageCount} /MediaBox [0 0 595 842] /Kids [${kids}] ` +
      "/Resources << /Font << /F1 3 0 R >> >> >>",
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    ...Array.from({ length: pageCount }, () => page),
  ];
  let text = "%PDF-1.4\n";
  const offsets: number[] = [];
  for (const [index, object] of objects.entries()) {
    offsets.push(text.length);
    text += `${index + 1} 0 obj\n${object}\nendobj\n`;
  }
  const entries = offsets
    .map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`)
    .join("");
  const size = objects.length + 1;
  const table = `xref\n0 ${size}\n0000000000 65535 f \n${entries}`;
  const trailer = `trailer << /Size ${size} /Root 1 0 R >>\nstartxref\n${text.length}\n%%EOF\n`;
  return Buffer.from(`${text}${table}${trailer}`, "latin1");
}
