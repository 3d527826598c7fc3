// A lock-free table of networks by handle: a stale or invented handle is refused, and a fork leaves the table sound.
//
// What that buys over plain pointers that Python owns: a call with the handle of a network that was dropped gets an
// error in place of freed memory; two threads that would train one network at once are refused; and a child that is
// forked while another thread is inside a call finds no lock that nobody will release.
//
// A handle is generation · 2^32 + index + 1 (a generational index). An entry has one network after another, each with a
// generation of its own. One atomic word has the generation and how many threads are using the network now. The table
// grows and never shrinks, so that any index may be read.
//
//     state   │ generation: 32 bits │ 0 free, 1 idle, 1 + n used by n threads, ~0 used by one exclusively │
#pragma once

#include <atomic>

#include "types.h"

namespace chainrule {

template <class Net> class Handles {
 public:
  struct Entry {
    std::atomic<uint64_t> state;
    uint64_t handle;
    Net net;
  };
  enum Result { Entered, Busy, Dropped };

  // A free entry, entered exclusively; null where memory is short.
  Entry *claim() {
    for (uint64_t k = 0; k < capacity; k++) {
      const uint64_t index = (next.load(std::memory_order_relaxed) + k) % capacity;
      Entry *entry = entry_at(index, true);
      if (!entry) return nullptr;
      uint64_t state = entry->state.load(std::memory_order_relaxed);
      const uint64_t generation = (state >> 32) + 1;
      if (uint32_t(state) != Free || !entry->state.compare_exchange_strong(state, word(generation, Exclusive)))
        continue;
      next.store(index + 1 < size() ? index + 1 : 0, std::memory_order_relaxed);
      entry->handle = (generation << 32) | (index + 1);
      return entry;
    }
    return nullptr;
  }

  // The entry of a handle, for this thread exclusively or shared with others.
  Result enter(uint64_t handle, bool exclusive, Entry *&entry) {
    const uint64_t index = uint32_t(handle) - uint64_t(1);
    entry = index < capacity ? entry_at(index, false) : nullptr;
    if (!entry) return Dropped;
    uint64_t state = entry->state.load(std::memory_order_acquire);
    for (;;) {
      const uint32_t users = uint32_t(state);
      if (state >> 32 != handle >> 32 || users == Free) return Dropped;
      if (users == Exclusive || (exclusive && users != Idle)) return Busy;
      const uint64_t entered = exclusive ? word(handle >> 32, Exclusive) : state + 1;
      if (entry->state.compare_exchange_weak(state, entered)) return Entered;
    }
  }

  void leave(Entry *entry, bool exclusive) {
    if (exclusive)
      entry->state.store(word(entry->handle >> 32, Idle), std::memory_order_release);
    else
      entry->state.fetch_sub(1, std::memory_order_release);
  }

  // Frees an entry that was entered exclusively.
  void vacate(Entry *entry) { entry->state.store(word(entry->handle >> 32, Free), std::memory_order_release); }

 private:
  static constexpr uint32_t Free = 0, Idle = 1, Exclusive = ~uint32_t(0);
  static constexpr uint64_t chunk_entries = 256, chunks = 4096, capacity = chunk_entries * chunks;
  std::atomic<Entry *> table[chunks];
  std::atomic<uint64_t> next, chunks_made;

  static uint64_t word(uint64_t generation, uint32_t users) { return (generation << 32) | users; }
  uint64_t size() const { return chunks_made.load(std::memory_order_relaxed) * chunk_entries; }

  Entry *entry_at(uint64_t index, bool grow) {
    std::atomic<Entry *> &chunk = table[index / chunk_entries];
    Entry *first = chunk.load(std::memory_order_acquire);
    if (!first && grow) first = add(chunk);
    return first ? first + index % chunk_entries : nullptr;
  }

  // Adds a chunk of the table. Of several threads that do so at once, the first one's chunk stays.
  Entry *add(std::atomic<Entry *> &chunk) {
    auto *fresh = static_cast<Entry *>(allocate(Index(chunk_entries * sizeof(Entry))));
    if (!fresh) return nullptr;
    Entry *existing = nullptr;
    if (chunk.compare_exchange_strong(existing, fresh)) {
      chunks_made.fetch_add(1, std::memory_order_relaxed);
      return fresh;
    }
    release(fresh);
    return existing;
  }
};

}  // namespace chainrule
