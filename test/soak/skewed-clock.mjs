/** `node --import` this for a process whose clock is SOAK_CLOCK_OFFSET_MS away from that of the machine. Timers keep their pace. */
const offsetMs = Number(process.env.SOAK_CLOCK_OFFSET_MS);
const MachineDate = Date;

globalThis.Date = class Date extends MachineDate {
  constructor(...args) {
    if (args.length === 0) super(MachineDate.now() + offsetMs);
    else super(...args);
  }
  static now() {
    return MachineDate.now() + offsetMs;
  }
};
