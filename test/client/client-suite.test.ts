/**
 * Goal: all clients are one to their users. Method: the conformance suite, run on each of them with a
 * real broker: over TCP in this process, over TCP to a broker in its own process, and without TCP.
 */
import { describe, test } from "vitest";
import { clientJobsSuite, clientSuite } from "../../src/testing/index.js";
import {
  inMemory,
  inOwnProcess,
  jobsInMemory,
  jobsInOwnProcess,
  overTcp,
} from "../helpers/client-benches.js";

clientSuite("SimpleClient", overTcp, { describe, test });
clientSuite("SimpleClient and a broker in its own process", inOwnProcess, { describe, test });
clientSuite("MemoryClient", inMemory, { describe, test });

clientJobsSuite("SimpleClient", jobsInOwnProcess, { describe, test });
clientJobsSuite("MemoryClient", jobsInMemory, { describe, test });
