/** Shop events: their schema, messages, files, downloads and the synthetic shop. */
export * from "./errors.ts";
export * from "./event.ts";
export * from "./time.ts";
export * from "./message.ts";
export * from "./mapping.ts";
export * from "./read.ts";
export { type BadRecord, type SplitOptions, splitRecords } from "./records.ts";
export { generateShop, type Shop, type ShopOptions } from "./shop/generate.ts";
export * from "./source.ts";
export { download, type DownloadOptions } from "./download.ts";
