import { formatBytes, ShoalError } from '@shoal/core';

/** Pinned blobs leave room for others: up to the low water mark, to which eviction goes. @throws ShoalError PINS_FULL */
export const checkPins = (pinnedBytes: number, quotaBytes: number, lowWater: number): void => {
  const bytesMax = Math.floor(quotaBytes * lowWater);
  if (pinnedBytes <= bytesMax) return;
  throw new ShoalError(
    'PINS_FULL',
    507,
    `${formatBytes(pinnedBytes)} would be pinned; allowed are ${formatBytes(bytesMax)}, ${Math.round(lowWater * 100)} % of cache.quotaBytes (${formatBytes(quotaBytes)})`,
  );
};
