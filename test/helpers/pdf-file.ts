/**
 * A PDF file of objects that are written out by hand, so that each part can be wrong. The first object
 * is the catalogue; texts are Latin-1.
 */
export function pdfFile(objects: readonly string[], trailerEntries = ""): Buffer {
  let text = "%PDF-1.4\n";
  const offsets = objects.map((object, index) => {
    const offset = text.length;
    text += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, "0")} 00000 n \n`;
  });
  const trailer = `<< /Size ${objects.length + 1} /Root 1 0 R ${trailerEntries} >>`;
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join("")}`;
  return Buffer.from(
    `${text}${table}trailer\n${trailer}\nstartxref\n${text.length}\n%%EOF`,
    "latin1",
  );
}

/** @param entries of its dictionary besides the length. */
export function pdfStream(data: string, entries = ""): string {
  return `<< /Length ${data.length} ${entries} >>\nstream\n${data}\nendstream`;
}
