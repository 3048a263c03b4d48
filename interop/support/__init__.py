"""What the tests share: processes, a relay, documents, and the ways to submit them."""
