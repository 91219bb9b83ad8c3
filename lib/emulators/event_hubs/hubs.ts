import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, NotFoundError } from "clickstream/config";
import { readJson, writeJson } from "./files.ts";
import { closeLog } from "./commit.ts";
import { type LogOptions, openPartitionLog, type PartitionLog } from "./partition_log.ts";

/** A hub that is to exist. */
export interface HubDefinition {
  name: string;
  /** Partitions, 1 to 32. */
  partitions: number;
  /** Consumer groups beside `$Default`. @default none */
  consumerGroups?: string[];
}

/** A hub that exists. */
export interface Hub {
  name: string;
  createdMs: number;
  /** All consumer groups, `$Default` first. */
  consumerGroups: string[];
  partitions: PartitionLog[];
}

/** All hubs of a directory, by name in lower case. */
export interface Catalogue {
  directory: string;
  logOptions: LogOptions;
  hubs: Map<string, Hub>;
}

interface HubRecord {
  name: string;
  partitions: number;
  consumerGroups: string[];
  createdMs: number;
}

export const DEFAULT_GROUP = "$Default";
const MAX_PARTITIONS = 32;

/** Opens the hubs kept in a directory. */
export function openCatalogue(directory: string, logOptions: LogOptions): Catalogue {
  const catalogue: Catalogue = { directory, logOptions, hubs: new Map() };
  for (const record of readJson<HubRecord[]>(catalogueFile(directory)) ?? []) {
    catalogue.hubs.set(record.name.toLowerCase(), openHub(catalogue, record));
  }
  return catalogue;
}

/**
 * Makes a hub, or adds consumer groups to one that exists.
 *
 * @throws {ConfigError} when the definition is wrong or the hub has another number of partitions
 */
export function ensureHub(catalogue: Catalogue, definition: HubDefinition): Hub {
  checkDefinition(definition);
  const groups = definition.consumerGroups ?? [];
  let hub = catalogue.hubs.get(definition.name.toLowerCase());
  if (hub === undefined) {
    hub = openHub(catalogue, {
      name: definition.name,
      partitions: definition.partitions,
      consumerGroups: [],
      createdMs: catalogue.logOptions.now(),
    });
    catalogue.hubs.set(definition.name.toLowerCase(), hub);
  } else if (hub.partitions.length !== definition.partitions) {
    throw new ConfigError(
      `Hub ${hub.name} has ${hub.partitions.length} partitions, not ${definition.partitions}; ` +
        `the number cannot change: delete the hub or ask for ${hub.partitions.length}.`,
    );
  }
  for (const group of groups) if (!hasGroup(hub, group)) hub.consumerGroups.push(group);
  saveCatalogue(catalogue);
  return hub;
}

/** Looks a hub up by its name, whatever the case of its letters. */
export function findHub(catalogue: Catalogue, name: string): Hub | null {
  return catalogue.hubs.get(name.toLowerCase()) ?? null;
}

/** Whether the hub has the consumer group, whatever the case of its letters. */
export function hasGroup(hub: Hub, group: string): boolean {
  return hub.consumerGroups.some((one) => one.toLowerCase() === group.toLowerCase());
}

/**
 * Replaces a hub by a new, empty one of the same name, partitions and groups: sequence numbers and
 * offsets begin again. Close its links before.
 *
 * @throws {NotFoundError} when there is no such hub
 */
export async function recreateHub(catalogue: Catalogue, name: string): Promise<Hub> {
  const old = await closeHub(catalogue, name);
  rmSync(hubDirectory(catalogue, old.name), { recursive: true, force: true });
  const hub = openHub(catalogue, {
    name: old.name,
    partitions: old.partitions.length,
    consumerGroups: old.consumerGroups,
    createdMs: catalogue.logOptions.now(),
  });
  catalogue.hubs.set(name.toLowerCase(), hub);
  saveCatalogue(catalogue);
  return hub;
}

/**
 * Removes a hub and all its events. Close its links before.
 *
 * @throws {NotFoundError} when there is no such hub
 */
export async function deleteHub(catalogue: Catalogue, name: string): Promise<void> {
  const hub = await closeHub(catalogue, name);
  saveCatalogue(catalogue);
  rmSync(hubDirectory(catalogue, hub.name), { recursive: true, force: true });
}

/** Closes all files. */
export async function closeCatalogue(catalogue: Catalogue): Promise<void> {
  const logs = [...catalogue.hubs.values()].flatMap((hub) => hub.partitions);
  await Promise.all(logs.map(closeLog));
}

async function closeHub(catalogue: Catalogue, name: string): Promise<Hub> {
  const hub = findHub(catalogue, name);
  if (hub === null) throw new NotFoundError(`There is no hub ${name}.`);
  catalogue.hubs.delete(name.toLowerCase());
  await Promise.all(hub.partitions.map(closeLog));
  return hub;
}

function openHub(catalogue: Catalogue, record: HubRecord): Hub {
  const directory = hubDirectory(catalogue, record.name);
  mkdirSync(directory, { recursive: true });
  const { createdMs, name } = record;
  const consumerGroups = [DEFAULT_GROUP];
  for (const group of record.consumerGroups) {
    if (group.toLowerCase() !== DEFAULT_GROUP.toLowerCase()) consumerGroups.push(group);
  }
  const partitions = Array.from(
    { length: record.partitions },
    (_, id) => openPartitionLog(join(directory, String(id)), catalogue.logOptions),
  );
  return { name, createdMs, consumerGroups, partitions };
}

function saveCatalogue(catalogue: Catalogue): void {
  const records: HubRecord[] = [...catalogue.hubs.values()].map((hub) => ({
    name: hub.name,
    partitions: hub.partitions.length,
    consumerGroups: hub.consumerGroups,
    createdMs: hub.createdMs,
  }));
  writeJson(catalogueFile(catalogue.directory), records);
}

function checkDefinition({ name, partitions, consumerGroups = [] }: HubDefinition): void {
  for (const one of [name, ...consumerGroups]) {
    if (one !== DEFAULT_GROUP && !/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,254}[A-Za-z0-9])?$/.test(one)) {
      throw new ConfigError(
        `${JSON.stringify(one)} is no name for a hub or consumer group: use letters, digits, ` +
          `periods, hyphens and underscores, beginning and ending with a letter or digit.`,
      );
    }
  }
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS) {
    throw new ConfigError(
      `Hub ${name} needs 1 to ${MAX_PARTITIONS} partitions, not ${partitions}.`,
    );
  }
}

function catalogueFile(directory: string): string {
  return join(directory, "hubs.json");
}

function hubDirectory(catalogue: Catalogue, name: string): string {
  return join(catalogue.directory, "hubs", name.toLowerCase());
}
