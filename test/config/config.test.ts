import assert from "node:assert/strict";
import { join } from "node:path";
import {
  ConfigError,
  homePaths,
  loadConfig,
  maskConfig,
  maskText,
  projectRoot,
} from "clickstream/config";

Deno.test("without any setting the home is data/local and nothing needs an account", () => {
  const config = loadConfig({ CLICKSTREAM_HOME: "data/local" });
  assert.equal(config.home, join(projectRoot, "data", "local"));
  assert.equal(config.model.inferenceName, "clickstream__inference");
  assert.equal(homePaths(config).lakehouse, join(config.home, "lakehouse"));
});

Deno.test("options win, and numbers may come as text", () => {
  const config = loadConfig({ REPLAY_SPEED_FACTOR: "250", COSMOS_PORT: 8081 });
  assert.equal(config.replay.speedFactor, 250);
  assert.equal(config.cosmos.port, 8081);
});

Deno.test("a wrong setting is named, with what was expected", () => {
  assert.throws(() => loadConfig({ EVENT_HUBS_PORT: "amqp" }), (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /EVENT_HUBS_PORT/);
    return true;
  });
  assert.throws(() => loadConfig({ COSMOS_PORT: 70_000 }), ConfigError);
});

Deno.test("profile azure says which connection settings are missing", () => {
  assert.throws(
    () =>
      loadConfig({
        CLICKSTREAM_PROFILE: "azure",
        COSMOS_ENDPOINT: "https://x",
        COSMOS_READ_KEY: "k",
      }),
    /needs EVENT_HUBS_CONNECTION_STRING, COSMOS_WRITE_KEY:/,
  );
});

Deno.test("profile azure needs no keys: then the process signs in", () => {
  const config = loadConfig({
    CLICKSTREAM_PROFILE: "azure",
    EVENT_HUBS_CONNECTION_STRING: "Endpoint=sb://shop.servicebus.windows.net/;EntityPath=events",
    COSMOS_ENDPOINT: "https://shop.documents.azure.com:443/",
  });
  assert.equal(config.cosmos.readKey + config.cosmos.writeKey, "");
});

Deno.test("no secret is left in a configuration that is shown", () => {
  const shown = JSON.stringify(maskConfig(loadConfig({
    EVENT_HUBS_CONNECTION_STRING:
      "Endpoint=sb://h/;SharedAccessKeyName=k;SharedAccessKey=topsecret1=;EntityPath=e",
    COSMOS_READ_KEY: "topsecret2",
    COSMOS_WRITE_KEY: "topsecret3",
    SERVING_TOKEN: "topsecret4",
    DATABRICKS_TOKEN: "topsecret5",
  })));
  assert.ok(!shown.includes("topsecret"), shown);
  assert.match(shown, /EntityPath=e/);
});

Deno.test("bearer tokens and signatures are masked in any text", () => {
  assert.equal(maskText("authorization: Bearer abc.def"), "authorization: Bearer ***");
  assert.equal(maskText("sr=x&sig=abc%3D&se=1"), "sr=x&sig=***&se=1");
});
