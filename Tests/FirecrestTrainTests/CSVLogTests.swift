import Firecrest
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct CSVLogTests {
  let columns = ["epoch", "loss", "accuracy"]

  @Test func writesExactNumbers() throws {
    try withFolder { folder in
      let path = folder + "/m.csv"
      let log = try CSVLog(path, columns: columns)
      #expect(try text(path) == "epoch,loss,accuracy\n")
      try log.append([1, 0.1, 0.5])
      try log.append([2, 1.0 / 3, nil])
      try log.append([3, .nan, .infinity])
      try log.append([4, -0.0, 0])
      #expect(try text(path) == "epoch,loss,accuracy\n1,0.1,0.5\n2,0.3333333333333333,\n3,nan,inf\n4,-0.0,0\n")
      let rows = try log.rows()
      #expect(rows[1] == [2, 1.0 / 3, nil])
      #expect(rows[2][1]!.isNaN)
      #expect(try CSVTable(path).columns == columns)
    }
  }

  @Test func goesOnAfterReopening() throws {
    try withFolder { folder in
      let path = folder + "/m.csv"
      for epoch in 1...3 { try CSVLog(path, columns: columns).append([Double(epoch), 0, 0]) }
      #expect(try text(path) == "epoch,loss,accuracy\n1,0,0\n2,0,0\n3,0,0\n")
    }
  }

  /// Whatever prefix of the file a kill leaves, opening keeps exactly the whole lines.
  @Test func repairsEveryTornEnd() throws {
    try withFolder { folder in
      let path = folder + "/m.csv"
      let whole = "epoch,loss,accuracy\n1,0.25,0.5\n2,0.125,0.75\n"
      for length in 0...whole.utf8.count {
        let torn = String(whole.prefix(length))
        try write(torn, to: path)
        let log = try CSVLog(path, columns: columns)
        let kept = torn.lastIndex(of: "\n").map { String(torn[...$0]) } ?? "epoch,loss,accuracy\n"
        #expect(try text(path) == kept, "\(length) bytes")
        try log.append([7, 0, 0])
        #expect(try text(path) == kept + "7,0,0\n", "\(length) bytes")
      }
    }
  }

  #if canImport(Glibc)
    /// A row of which the disk took only a part goes again.
    @Test func aFailedWriteLeavesNothing() async {
      await #expect(processExitsWith: .success) {
        try withFolder { folder in
          let log = try CSVLog(folder + "/m.csv", columns: ["epoch", "loss"])
          try log.append([1, 0.5])
          signal(SIGXFSZ, SIG_IGN)
          let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
          var limit = rlimit()
          getrlimit(resource, &limit)
          var small = limit
          small.rlim_cur = rlim_t(try text(log.path).utf8.count + 3)
          setrlimit(resource, &small)
          #expect(throws: FileError.self) { try log.append([2, 0.25]) }
          setrlimit(resource, &limit)
          try log.append([3, 0.125])
          if try text(log.path) != "epoch,loss\n1,0.5\n3,0.125\n" { exit(1) }
        }
      }
    }
  #endif

  @Test(arguments: ["a\nb", "a\rb", "a,b", "a\"b"])
  func refusesNames(_ name: String) throws {
    try withFolder { folder in
      _ = #expect(throws: FileError.self) { try CSVLog(folder + "/m.csv", columns: ["epoch", name]) }
    }
  }

  @Test func truncatesToAnEpoch() throws {
    try withFolder { folder in
      let path = folder + "/m.csv"
      let log = try CSVLog(path, columns: columns)
      for epoch in 1...5 { try log.append([Double(epoch), 0.5, 1]) }
      try log.truncate("epoch", after: 9)
      #expect(try log.rows().count == 5)
      try log.truncate("epoch", after: 2)
      #expect(try text(path) == "epoch,loss,accuracy\n1,0.5,1\n2,0.5,1\n")
      try log.append([3, 0, 0])
      #expect(try log.rows().map { $0[0] } == [1, 2, 3])
      try log.truncate("epoch", after: 0)
      #expect(try text(path) == "epoch,loss,accuracy\n")
    }
  }

  @Test func leavesOtherFilesAlone() throws {
    try withFolder { folder in
      let path = folder + "/m.csv"
      let others = [
        "epoch,loss\n1,2\n", "a letter to a friend", "epoch,loss,accuracy\n1,2\n", "epoch,loss,accuracy\n1,2,three\n",
        "epoch,loss,accuracy\n1,2,3,4\ntorn",
      ]
      for other in others {
        try write(other, to: path)
        let error = fileError { _ = try CSVLog(path, columns: columns) }
        #expect(error?.file == path, "\(other)")
        #expect(error?.help.isEmpty == false)
        #expect(try text(path) == other)
      }
      try write("epoch,loss,accuracy\n1,2,3\n4,5\n", to: path)
      #expect(fileError { _ = try CSVTable(path) }?.reason.contains("line 3") == true)
    }
  }
}
