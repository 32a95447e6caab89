/** The entry of a data thread. */
import { PieceHasher } from '@shoal/store';
import { serveDataThread } from '@shoal/transport';

serveDataThread(() => new PieceHasher());
