export type { Image } from './image';
