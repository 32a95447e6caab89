export { DialBackoffError } from './dialer.ts';
export type { Download, DownloadStats } from './download.ts';
export type { DownloadEvents, ExchangeEvents, PieceRefusal } from './events.ts';
export type { DownloadBlob } from './download-blob.ts';
export { Exchange, type ExchangeOptions, type ExchangeStats, type SeedOptions } from './exchange.ts';
export { defaultLimits, type ExchangeLimits } from './limits.ts';
export type { PieceSink } from './reception.ts';
export type { RecordProvider, RecordQuery } from './records.ts';
export type { SeedBlob, Seeding } from './seeding.ts';
