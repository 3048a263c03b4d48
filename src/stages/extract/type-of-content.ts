/** What a document is, by its first bytes. */
import { fileTypeFromBuffer } from "file-type";
import { documentTypeOfName } from "../../message/index.js";

/** The document type, or undefined where the bytes do not tell, as those of all texts. */
export async function typeOfContent(content: Uint8Array): Promise<string | undefined> {
  try {
    const found = await fileTypeFromBuffer(content);
    return found && documentTypeOfName(`.${found.ext}`);
  } catch {
    // A file that is cut short ends the search; its extractor tells what is wrong with it.
    return undefined;
  }
}
