import type { GetTokenOptions, TokenCredential } from "@azure/identity";
import { ClickstreamError, reasonOf } from "./errors.ts";

/** Nobody is signed in to Azure, and no key was given. */
export class SignInError extends ClickstreamError {}

/**
 * Who this process is to Azure, for services whose settings hold no key: `DefaultAzureCredential`
 * takes the first of environment variables, a workload or managed identity, and a developer's
 * `az login`. It is loaded when the first token is asked for.
 *
 * @example
 * ```ts
 * import { azureCredential } from "clickstream/config";
 * import { CosmosClient } from "@azure/cosmos";
 * const endpoint = "https://shop.documents.azure.com:443/";
 * const client = new CosmosClient({ endpoint, aadCredentials: azureCredential() });
 * client.dispose();
 * ```
 */
export function azureCredential(): TokenCredential {
  let loading: Promise<TokenCredential> | undefined;
  return {
    async getToken(scopes: string | string[], options?: GetTokenOptions) {
      loading ??= import("@azure/identity").then((identity) =>
        new identity.DefaultAzureCredential()
      );
      try {
        return await (await loading).getToken(scopes, options);
      } catch (cause) {
        throw new SignInError(
          `Nobody is signed in to Azure (${
            reasonOf(cause)
          }). Run \`az login\`, give the process an ` +
            "identity, or set the keys in .env (see docs/azure.md).",
          { cause },
        );
      }
    },
  };
}
