import { join } from 'node:path';

/** The bytes of the upload in a folder. */
export const dataFile = (folder: string): string => join(folder, 'data');

/** What the upload is for; written last at its creation. */
export const recordFile = (folder: string): string => join(folder, 'upload.json');
