/** The half of SwarmSide that is alike wherever nothing is fetched: no data is expected, and nothing is waited for. */
export abstract class ServingSide {
  get fetching(): boolean {
    return false;
  }

  reachabilityChanged(): void {}

  dataBegin(): undefined {
    return undefined;
  }

  dataEnd(): void {}

  dataDiscarded(): void {}

  dataFailed(): void {}

  stop(): void {}
}
