/** Prints docs/errors.md and docs/configuration.md from the tables and schemas; a test holds them fresh. */
import { writeFile } from "node:fs/promises";
import { configurationPage, errorsPage } from "./generated-docs.js";

await writeFile(new URL("../docs/errors.md", import.meta.url), errorsPage());
await writeFile(new URL("../docs/configuration.md", import.meta.url), configurationPage());
