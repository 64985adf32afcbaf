// A memory with a limit.

/** Remembers answers by name; what was not used longest goes first. */
export class Recent<T> {
  private readonly held = new Map<string, T>()
  private readonly most: number

  constructor(most: number) {
    this.most = most
  }

  get(id: string): T | undefined {
    const v = this.held.get(id)
    if (v !== undefined) {
      this.held.delete(id)
      this.held.set(id, v)
    }
    return v
  }

  set(id: string, v: T): void {
    this.held.delete(id)
    this.held.set(id, v)
    if (this.held.size > this.most) this.held.delete(this.held.keys().next().value as string)
  }
}
