// BPF Type Format. (Being written.)
export class Btf {}
