// Networks by number: a table that never shrinks, so that any number may be looked up, whoever made it up.
//
// A number is generation · 2^32 + place + 1. A place holds one network after another, each of its own generation, and
// with it, in one atomic word, how many threads use it now: no lock is held, so a fork at any time leaves a sound table.
//
//     state   │ generation: 32 bits │ 0 free, 1 idle, 1 + n used by n threads, ~0 by one alone │
#pragma once

#include <atomic>

#include "types.h"

namespace chainrule {

template <class Net> class Handles {
 public:
  struct Place {
    std::atomic<uint64_t> state;
    uint64_t number;
    Net net;
  };
  enum Entry { Entered, Busy, Dropped };

  // A free place, entered alone; null where memory is short.
  Place *claim() {
    for (uint64_t k = 0; k < places; k++) {
      const uint64_t at = (next.load(std::memory_order_relaxed) + k) % places;
      Place *place = at_place(at, true);
      if (!place) return nullptr;
      uint64_t state = place->state.load(std::memory_order_relaxed);
      const uint64_t generation = (state >> 32) + 1;
      if (uint32_t(state) != Free || !place->state.compare_exchange_strong(state, word(generation, Alone))) continue;
      next.store(at + 1 < grown() ? at + 1 : 0, std::memory_order_relaxed);
      place->number = (generation << 32) | (at + 1);
      return place;
    }
    return nullptr;
  }

  // The network of a number, for this thread alone or beside others.
  Entry enter(uint64_t number, bool alone, Place *&found) {
    const uint64_t at = uint32_t(number) - uint64_t(1);
    found = at < places ? at_place(at, false) : nullptr;
    if (!found) return Dropped;
    uint64_t state = found->state.load(std::memory_order_acquire);
    for (;;) {
      const uint32_t users = uint32_t(state);
      if (state >> 32 != number >> 32 || users == Free) return Dropped;
      if (users == Alone || (alone && users != Idle)) return Busy;
      if (found->state.compare_exchange_weak(state, alone ? word(number >> 32, Alone) : state + 1)) return Entered;
    }
  }

  void leave(Place *place, bool alone) {
    if (alone)
      place->state.store(word(place->number >> 32, Idle), std::memory_order_release);
    else
      place->state.fetch_sub(1, std::memory_order_release);
  }

  // The place of a network that was entered alone becomes free.
  void vacate(Place *place) { place->state.store(word(place->number >> 32, Free), std::memory_order_release); }

 private:
  static constexpr uint32_t Free = 0, Idle = 1, Alone = ~uint32_t(0);
  static constexpr uint64_t piece = 256, pieces = 4096, places = piece * pieces;
  std::atomic<Place *> table[pieces];
  std::atomic<uint64_t> next, made;

  static uint64_t word(uint64_t generation, uint32_t users) { return (generation << 32) | users; }
  uint64_t grown() const { return made.load(std::memory_order_relaxed) * piece; }

  Place *at_place(uint64_t at, bool grow) {
    std::atomic<Place *> &entry = table[at / piece];
    Place *found = entry.load(std::memory_order_acquire);
    if (!found && grow) found = add(entry);
    return found ? found + at % piece : nullptr;
  }

  // Another piece of the table; the first of several threads that add it has its way.
  Place *add(std::atomic<Place *> &entry) {
    auto *fresh = static_cast<Place *>(allocate(Index(piece * sizeof(Place))));
    if (!fresh) return nullptr;
    Place *before = nullptr;
    if (entry.compare_exchange_strong(before, fresh)) {
      made.fetch_add(1, std::memory_order_relaxed);
      return fresh;
    }
    release(fresh);
    return before;
  }
};

}  // namespace chainrule
