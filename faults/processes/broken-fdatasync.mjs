/** Preloaded into the command line: fdatasync fails with EIO from call number `GOOD_FLUSHES` on. */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const { fdatasync } = fs;
let calls = 0;
fs.fdatasync = (fd, callback) => {
  if (calls++ < Number(process.env.GOOD_FLUSHES)) fdatasync(fd, callback);
  else setTimeout(() => callback(Object.assign(new Error("EIO: i/o error"), { code: "EIO" })), 300);
};
syncBuiltinESMExports();
