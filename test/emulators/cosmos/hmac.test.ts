import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { sign, signingKey } from "../../../lib/emulators/cosmos/hmac.ts";

Deno.test("signatures are those of node:crypto, for keys and texts of any length", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string({ maxLength: 300 }), (key, text) => {
      const expected = createHmac("sha256", key).update(text).digest("hex");
      assert.equal(sign(signingKey(key), text).toString("hex"), expected);
    }),
  );
});
