// Goal: the pages that are printed from the code say what the code says.
// Method: print them again and compare; `npm run docs` mends a difference.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { configurationPage, errorsPage } from "../../scripts/generated-docs.js";

const page = (name: string) => readFile(new URL(`../../docs/${name}`, import.meta.url), "utf8");

test("docs/errors.md lists the errors as the code declares them", async () => {
  expect(await page("errors.md")).toBe(errorsPage());
});

test("docs/configuration.md lists the options as the schemas have them", async () => {
  expect(await page("configuration.md")).toBe(configurationPage());
});
