import assert from "node:assert/strict";
import { azureCredential, SignInError } from "clickstream/config";
import { serveIdentity, TOKEN } from "../identity.ts";

Deno.test("a managed identity gives the token that a service is asked with", async () => {
  const identity = serveIdentity();
  const credential = azureCredential();
  const token = await credential.getToken("https://shop.documents.azure.com/.default");
  assert.equal(token?.token, TOKEN);
  assert.ok(token!.expiresOnTimestamp > Date.now());
  assert.deepEqual(identity.asked, ["https://shop.documents.azure.com"]);
  await identity.close();
});

Deno.test("when nobody is signed in, the error says so and what to do", async () => {
  Deno.env.set("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential");
  const credential = azureCredential();
  await assert.rejects(credential.getToken("https://other.example/.default"), (error) => {
    assert.ok(error instanceof SignInError);
    assert.match(error.message, /^Nobody is signed in to Azure \(.+\)\. Run `az login`/);
    return true;
  });
  Deno.env.delete("AZURE_TOKEN_CREDENTIALS");
});
