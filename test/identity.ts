/** What the managed identity of an Azure App Service is asked, and answers: over plain HTTP. */
export interface IdentityEndpoint {
  /** Resources that tokens were asked for. */
  asked: string[];
  close(): Promise<void>;
}

/** The token that it hands out. */
export const TOKEN = "header.payload.signature";

/**
 * Serves an identity endpoint as App Service does, and points this process at it, so that
 * `DefaultAzureCredential` finds a managed identity without an account.
 */
export function serveIdentity(): IdentityEndpoint {
  const asked: string[] = [];
  const header = crypto.randomUUID();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    if (request.headers.get("x-identity-header") !== header) {
      return new Response(null, { status: 401 });
    }
    asked.push(new URL(request.url).searchParams.get("resource") ?? "");
    const expires_on = String(Math.floor(Date.now() / 1000) + 3600);
    return Response.json({ access_token: TOKEN, expires_on, token_type: "Bearer" });
  });
  Deno.env.set("IDENTITY_ENDPOINT", `http://127.0.0.1:${server.addr.port}/msi/token`);
  Deno.env.set("IDENTITY_HEADER", header);
  return {
    asked,
    async close() {
      Deno.env.delete("IDENTITY_ENDPOINT");
      Deno.env.delete("IDENTITY_HEADER");
      await server.shutdown();
    },
  };
}
