let count = 0;

/** Whether downloads of all tests of this process receive in threads of their own, and in how many. */
export const dataThreads = (): number => count;

export const useDataThreads = (threads: number): void => {
  count = threads;
};
