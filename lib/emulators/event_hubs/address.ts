import { type Catalogue, findHub, hasGroup, type Hub } from "./hubs.ts";
import type { AmqpError } from "./rhea.ts";
import { argumentOutOfRange, notFound } from "./conditions.ts";

/** What a link's address names. */
export type Address =
  | { kind: "cbs" }
  | { kind: "management" }
  | { kind: "hub"; hub: string }
  | { kind: "partition"; hub: string; partition: string }
  | { kind: "group"; hub: string; group: string; partition: string }
  | { kind: "unknown" };

/** Reads an address: a plain path, or a whole `amqp(s)://` or `sb://` one. */
export function parseAddress(address: string): Address {
  const path = address.replace(/^[a-z]+:\/\/[^/]*/i, "").replace(/^\/+|\/+$/g, "");
  const parts = path.split("/");
  const last = parts.at(-1)!.toLowerCase();
  if (last === "$cbs") return { kind: "cbs" };
  if (last === "$management") return { kind: "management" };
  const [hub, second, third, fourth, fifth] = parts;
  if (hub === undefined || hub === "") return { kind: "unknown" };
  if (parts.length === 1) return { kind: "hub", hub };
  if (parts.length === 3 && second?.toLowerCase() === "partitions") {
    return { kind: "partition", hub, partition: third! };
  }
  const isGroup = parts.length === 5 && second?.toLowerCase() === "consumergroups" &&
    fourth?.toLowerCase() === "partitions";
  return isGroup ? { kind: "group", hub, group: third!, partition: fifth! } : { kind: "unknown" };
}

/** What an address was resolved to, or why it could not be. */
export type Resolved<T> = { found: T } | { error: AmqpError };

/** The hub of a name. */
export function resolveHub(catalogue: Catalogue, name: string): Resolved<Hub> {
  const hub = findHub(catalogue, name);
  return hub === null ? { error: notFound(name) } : { found: hub };
}

/** The number of a partition that a hub has. */
export function resolvePartition(hub: Hub, partition: string): Resolved<number> {
  const id = /^\d{1,5}$/.test(partition) ? Number(partition) : -1;
  if (id >= 0 && id < hub.partitions.length) return { found: id };
  return {
    error: argumentOutOfRange(
      `The specified partition is invalid for an EventHub partition sender or receiver. It should ` +
        `be between 0 and ${hub.partitions.length - 1}. Given: ${partition}.`,
    ),
  };
}

/** A consumer group that a hub has, by the name the hub gives it. */
export function resolveGroup(hub: Hub, group: string): Resolved<string> {
  if (!hasGroup(hub, group)) return { error: notFound(`${hub.name}/ConsumerGroups/${group}`) };
  return { found: hub.consumerGroups.find((one) => one.toLowerCase() === group.toLowerCase())! };
}
